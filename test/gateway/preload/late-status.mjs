// A gateway that serves callers long before it answers its status: Unix sockets listen late.
import { Server } from 'node:net';

const LATE_MS = 20_000;
const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  if (typeof args[0] !== 'string') return listen.apply(this, args);
  setTimeout(() => listen.apply(this, args), LATE_MS);
  return this;
};
