import { type FastifyInstance, fastify } from 'fastify';
import { onTestFinished } from 'vitest';
import { problemOf } from '../../src/admin/problem.ts';

/** A server without routes that reads bodies and tells of errors as the API's does; closed after the test. */
export function routesApp(): FastifyInstance {
  const app = fastify();
  onTestFinished(() => app.close());
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  app.setErrorHandler((error: Error, _request, reply) => {
    const problem = problemOf(error);
    return reply.code(problem.status).send(problem);
  });
  return app;
}
