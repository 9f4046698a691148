import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/**
 * Configures an nginx of one process that writes everything into its folder.
 *
 * @param http - lines of its `http` block
 * @returns arguments of the program
 */
export function configureNginx(folder: string, http: readonly string[]): readonly string[] {
  const file = join(folder, 'nginx.conf');
  const errors = join(folder, 'nginx.err');
  const temporary = TEMPORARY.map((name) => `${name}_temp_path ${folder}/nginx-${name};`);
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${errors} crit;
events { worker_connections 16000; }
http {
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 1m;
  ${[...temporary, ...http].join('\n  ')}
}
`,
  );
  return ['-e', errors, '-p', folder, '-c', file];
}
