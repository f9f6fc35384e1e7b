// The certified provider `oidc-provider`, with one client, for anybody who types a name.
// Reads its client from the environment as JSON, prints its issuer as JSON, and ends with its standard input.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const client = JSON.parse(process.env.PANVA_CLIENT);
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const server = createServer();

server.listen(0, '127.0.0.1', () => {
  // Behind a proxy that speaks TLS for it, it is known by the proxy's address.
  const here = `http://127.0.0.1:${server.address().port}`;
  const issuer = process.env.PANVA_ISSUER ?? here;
  const provider = new Provider(issuer, {
    clients: [client],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'panva' }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    // Otherwise name and address would come from userinfo alone, whatever the scope.
    conformIdTokenClaims: process.env.PANVA_CLAIMS_IN === 'userinfo',
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    features: { backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 3600, IdToken: 300, Interaction: 600, Session: 3600 },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@example.com`, email_verified: true, name: `${sub} of Panva` }),
    }),
    // Its guard against requests into private networks would cut logout messages to this machine.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  });
  provider.proxy = issuer !== here;
  server.on('request', provider.callback());
  console.log(JSON.stringify({ issuer, here }));
});

process.stdin.on('end', () => process.exit(0)).resume();
