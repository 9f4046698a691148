/**
 * The run folder is all that processes share: settings.json, mirror.off, mirror.sock (the wire), the
 * scoring sockets of model processes, one status socket a process, and its supervisor's note of it.
 */
import { join } from 'node:path';
import { LIMITS } from '../config/defaults.ts';
import { ConfigError } from '../errors.ts';

export interface RunFolder {
  readonly path: string;
  readonly settings: string;
  /** Its existence stops mirroring, whoever makes it. */
  readonly mirrorOff: string;
  /** The wire: gateways connect, the mirror listens. */
  readonly wireSocket: string;
  readonly selectionSecret: string;
  /** Where a process serves its status: `gw0`, `mirror`, `admin`, `model-NAME`, `supervisor-ROLE`. */
  statusSocket(process: string): string;
  /** Where the model process of an onnx candidate answers HTTP. */
  modelSocket(candidate: string): string;
}

/**
 * @param path - absolute
 * @throws {ConfigError} `UND_SOCKET_PATH_LONG` when a socket in it would be over 107 bytes
 */
export function runFolder(path: string): RunFolder {
  return {
    path,
    settings: join(path, 'settings.json'),
    mirrorOff: join(path, 'mirror.off'),
    wireSocket: socketPath(path, 'wire.sock'),
    selectionSecret: join(path, 'selection.secret'),
    statusSocket: (process) => socketPath(path, `${process}.sock`),
    modelSocket: (candidate) => socketPath(path, `model-${candidate}.http.sock`),
  };
}

function socketPath(folder: string, name: string): string {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= LIMITS.socketPathBytes) return path;
  throw new ConfigError('UND_SOCKET_PATH_LONG', [
    {
      file: path,
      line: 0,
      column: 0,
      path: 'runDir',
      value: folder.slice(0, 80),
      expected: `a folder short enough that its socket paths stay within ${LIMITS.socketPathBytes} bytes`,
    },
  ]);
}
