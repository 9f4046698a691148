/**
 * What of a caller's request carries a credential, and so never reaches a candidate. Names in lower case; listed in
 * docs/redaction.md.
 */

/**
 * Headers that carry a caller's credential, or a secret given to it. Operators who want one sent name it among
 * the candidate's own headers.
 */
export const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'proxy-authenticate',
  'www-authenticate',
  'cookie',
  'cookie2',
  'set-cookie',
  'set-cookie2',
  'authentication',
  'x-authorization',
  'dpop', // RFC 9449
  'token',
  'access-token',
  'auth-token',
  'id-token',
  'refresh-token',
  'client-secret',
  'x-auth',
  'x-token',
  'x-api-token',
  'x-api-key',
  'api-key',
  'apikey',
  'x-apikey',
  'x-auth-key',
  'x-auth-token',
  'x-access-token',
  'x-id-token',
  'x-session-token',
  'x-csrf-token',
  'x-xsrf-token',
  'x-vault-token',
  'private-token',
  // clouds and their gateways
  'x-amz-security-token',
  'x-amzn-oidc-accesstoken',
  'x-amzn-oidc-data',
  'x-goog-api-key',
  'x-serverless-authorization', // Cloud Run takes it before Authorization
  'x-goog-iap-jwt-assertion',
  'cf-access-jwt-assertion',
  'cf-access-client-secret',
  'ocp-apim-subscription-key',
  'x-functions-key',
  'x-ms-token-aad-access-token',
  'x-ms-token-aad-id-token',
  'x-ms-token-aad-refresh-token',
  'x-forwarded-access-token',
  'x-goog-authenticated-user-jwt',
  'x-jwt-assertion',
  'x-forwarded-client-cert',
  'x-client-cert',
  'x-ssl-client-cert',
  'ssl-client-cert',
  'client-cert', // RFC 9440
  'client-cert-chain',
]);

/** Query parameters that carry a credential: RFC 6750 §2.3, and what clouds sign URLs with. Lower case. */
export const CREDENTIAL_PARAMETERS: ReadonlySet<string> = new Set([
  'access_token',
  'refresh_token',
  'id_token',
  'auth_token',
  'api_key',
  'api-key',
  'apikey',
  'x-api-key',
  'subscription-key',
  'client_secret',
  'client_assertion', // RFC 7523
  'token',
  'jwt',
  'secret',
  'password',
  'passwd',
  'sig',
  'signature',
  'x-amz-signature',
  'x-amz-credential',
  'x-amz-security-token',
  'x-goog-signature',
  'x-goog-credential',
]);

/**
 * A header's name as it is compared: `_` is `-`, since CGI (RFC 3875 §4.1.18), and WSGI after it, make one variable
 * of both.
 *
 * @param name - lower case
 */
export function dashedName(name: string): string {
  return name.includes('_') ? name.replaceAll('_', '-') : name;
}

const JOINT = /[-_]/g;
const JOINED_PARAMETERS = new Set(
  [...CREDENTIAL_PARAMETERS].map((name) => name.replace(JOINT, '')),
);

/** However its words are joined: `access_token`, `access-token`, `accessToken`. @param name - lower case */
export function isCredentialParameter(name: string): boolean {
  return JOINED_PARAMETERS.has(name.replace(JOINT, ''));
}
