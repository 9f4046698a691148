/** Which instance a command speaks to: a run folder on this machine, or an admin API anywhere. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { AdminStatus } from '../../admin/admin-status.ts';
import { DEFAULTS, LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import { type RunFolder, runFolder } from '../../telemetry/run-folder.ts';
import { readStatus } from '../../telemetry/status-socket.ts';

/** The options that `status`, `rate`, `mirror` and `pairs` share. */
export interface InstanceOptions {
  readonly run?: string;
  readonly config?: string;
  readonly admin?: string;
  readonly tokenFile?: string;
}

/**
 * `--run`, else the run folder of `--config`, else UNDERSTUDY_RUN, else that of UNDERSTUDY_CONFIG, else
 * `.understudy/run` here.
 */
export async function findRunFolder(options: InstanceOptions): Promise<RunFolder> {
  if (options.run !== undefined) return runFolder(resolve(options.run));
  const file = configFileOf(options);
  if (file !== undefined) {
    const { loadConfig } = await import('../../config/load.ts');
    return runFolder(loadConfig(file).runDir);
  }
  const { UNDERSTUDY_RUN = '' } = process.env;
  return runFolder(resolve(UNDERSTUDY_RUN === '' ? DEFAULTS.runDir : UNDERSTUDY_RUN));
}

/** The configuration that names the instance's folders, where one does: `--config`, else UNDERSTUDY_CONFIG. */
export function configFileOf({ run, config }: InstanceOptions): string | undefined {
  if (config !== undefined) return config;
  const { UNDERSTUDY_RUN = '', UNDERSTUDY_CONFIG = '' } = process.env;
  const isNamed = run === undefined && UNDERSTUDY_RUN === '' && UNDERSTUDY_CONFIG !== '';
  return isNamed ? UNDERSTUDY_CONFIG : undefined;
}

/** The admin API of an instance. */
export class AdminApi {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  /**
   * @throws {UnderstudyError} `UND_ADMIN_UNREACHABLE` no admin process in the run folder; `UND_USAGE` a URL
   *   without a token file; `UND_ADMIN_TOKEN` the token file cannot be read
   */
  static async find(options: InstanceOptions): Promise<AdminApi> {
    if (options.admin === undefined) {
      const { url, tokenFile, error } = await findAdmin(await findRunFolder(options));
      if (url === '') {
        const why = error === '' ? 'it is starting' : `${error}, which its log line explains`;
        throw new UnderstudyError('UND_ADMIN_UNREACHABLE', `The admin API is not up: ${why}.`);
      }
      return new AdminApi(url, readToken(options.tokenFile ?? tokenFile));
    }
    if (options.tokenFile === undefined) {
      throw new UnderstudyError(
        'UND_USAGE',
        '--admin needs --token-file: the API asks for a token.',
      );
    }
    if (!URL.canParse(options.admin)) {
      throw new UnderstudyError('UND_USAGE', `--admin is no URL: ${options.admin}.`);
    }
    return new AdminApi(options.admin, readToken(options.tokenFile));
  }

  /** GET; the answer is JSON. Errors as in `change`. */
  get<T>(path: string): Promise<T> {
    return this.#ask('GET', path);
  }

  /**
   * PATCH /v1/settings, in the name of the user of this machine.
   *
   * @param version - of the settings that the change was decided on
   * @throws {UnderstudyError} `UND_ADMIN_UNREACHABLE` no answer; `UND_ADMIN_REFUSED` with the API's reason
   */
  change<T>(patch: object, version: number): Promise<T> {
    return this.#ask('PATCH', '/v1/settings', { body: patch, version });
  }

  /** POST, in the name of the user of this machine. Errors as in `change`. */
  post<T>(path: string, body: object, timeoutMs: number = LIMITS.adminRequestMs): Promise<T> {
    return this.#ask('POST', path, { body, timeoutMs });
  }

  async #ask<T>(
    method: string,
    path: string,
    change?: { readonly body: object; readonly version?: number; readonly timeoutMs?: number },
  ): Promise<T> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          'x-understudy-operator': operatorName(),
          ...(change === undefined ? {} : { 'content-type': 'application/json' }),
          ...(change?.version === undefined ? {} : { 'if-match': `"${change.version}"` }),
        },
        ...(change === undefined ? {} : { body: JSON.stringify(change.body) }),
        signal: AbortSignal.timeout(change?.timeoutMs ?? LIMITS.adminRequestMs),
      });
      text = await response.text();
    } catch (cause) {
      throw new UnderstudyError('UND_ADMIN_UNREACHABLE', `No answer from ${this.#url}.`, { cause });
    }
    const answer = parseJson(text);
    if (response.ok) return answer as T;
    const reason = problemDetail(answer) ?? text.slice(0, LIMITS.errorCharacters);
    throw new UnderstudyError('UND_ADMIN_REFUSED', `${response.status}: ${reason}`);
  }
}

/**
 * Where the admin process of a run folder is.
 *
 * @throws {UnderstudyError} `UND_ADMIN_UNREACHABLE`
 */
export async function findAdmin(folder: RunFolder): Promise<AdminStatus> {
  try {
    return await readStatus<AdminStatus>(folder.statusSocket('admin'));
  } catch (cause) {
    throw new UnderstudyError(
      'UND_ADMIN_UNREACHABLE',
      `No admin process answers in ${folder.path}: is "understudy serve" running, and is this its run folder (--run, --config)?`,
      { cause },
    );
  }
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnderstudyError('UND_ADMIN_TOKEN', `Cannot read the token: ${reason}.`, { cause });
  }
}

/** Who is at the keyboard: stands with a change, and proves nothing. */
export function operatorName(): string {
  try {
    return userInfo()
      .username.replace(/[^\x21-\x7e]/g, '?')
      .slice(0, 100);
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** RFC 9457: `detail` says what was wrong, `title` names its kind. */
function problemDetail(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const detail = 'detail' in answer ? answer.detail : 'title' in answer ? answer.title : undefined;
  return typeof detail === 'string' ? detail : undefined;
}
