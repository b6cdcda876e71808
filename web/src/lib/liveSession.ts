/** What WHIP and WHEP have in common: a session at the server, made by an offer and ended by a DELETE. */

/** Where a session is made, and by whose right. */
export interface Endpoint {
  url: string;
  token: string;
  fetch: typeof fetch;
}

/** One attempt: its peer connection, and the session at the server once there is one. */
export interface Attempt {
  peer: RTCPeerConnection;
  resource: string | null;
}

export const FIRST_WAIT_MS = 400;
export const LONGEST_WAIT_MS = 5000;
export const CONNECT_TIMEOUT_MS = 10_000;
/** The longest wait that a `Retry-After` may ask for. */
const LONGEST_RETRY_AFTER_MS = 10_000;

/** `Retry-After` in milliseconds: seconds or an HTTP date; null if absent or unreadable. */
export function retryAfterMs(header: string | null, now = Date.now()): number | null {
  if (!header) return null;
  const wait = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  if (Number.isNaN(wait)) return null;
  return Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, wait));
}

/** Asks for Opus in stereo: without it browsers decode to mono. */
export function withStereo(sdp: string): string {
  const payload = /^a=rtpmap:(\d+) opus\/48000\/2/im.exec(sdp)?.[1];
  if (!payload) return sdp;
  const line = new RegExp(`^(a=fmtp:${payload} )(?!.*stereo=1)`, 'm');
  return sdp.replace(line, '$1stereo=1;');
}

/** The server does not want this client. */
export class Refused extends Error {}

export async function refusalOf(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
  try {
    const body = JSON.parse(text) as { detail?: unknown; error?: { message?: unknown } };
    const reason = body.detail ?? body.error?.message;
    if (typeof reason === 'string') return reason;
  } catch {
    // Not JSON: a plain sentence, or nothing.
  }
  return text.length > 0 && text.length < 300 && !text.includes('<')
    ? text
    : `The server refused (${response.status}).`;
}

/** Makes the session: gives back what the server answers, and keeps the address that it gives the session. */
export async function postOffer(at: Endpoint, attempt: Attempt, sdp: string): Promise<Response> {
  const response = await at.fetch(at.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${at.token}` },
    body: sdp,
    credentials: 'omit',
    cache: 'no-store',
  });
  const location = response.headers.get('Location');
  if (location) attempt.resource = new URL(location, new URL(at.url, pageAddress())).href;
  return response;
}

/** Ends the session, even while the page goes away. */
export function deleteSession(at: Endpoint, attempt: Attempt): void {
  if (!attempt.resource) return;
  const url = attempt.resource;
  attempt.resource = null;
  // Nothing depends on the answer: a session whose client is gone ends by itself a little later.
  void at
    .fetch(url, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${at.token}` },
      credentials: 'omit',
      keepalive: true,
    })
    .catch(() => undefined);
}

/** Ends an attempt, here and at the server. */
export function endAttempt(at: Endpoint, attempt: Attempt): void {
  attempt.peer.onconnectionstatechange = null;
  attempt.peer.close();
  deleteSession(at, attempt);
}

function pageAddress(): string {
  return typeof location === 'undefined' ? 'http://localhost/' : location.href;
}
