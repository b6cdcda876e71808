/**
 * Watching a live source by WHEP: one POST with an offer, one answer, a session that is deleted on leaving.
 * The player looks after itself: it waits while nobody publishes, and comes back when the network or the server fails.
 */

/**
 * - `connecting`: an offer is on its way, or its transport is being set up
 * - `live`: media arrives
 * - `waiting`: the source does not publish at the moment
 * - `stalled`: the session stands, but nothing has arrived for a while
 * - `reconnecting`: it was lost and is being made anew
 * - `refused`: the server says that this source may not be watched, or is not there
 * - `closed`
 */
export type LiveState =
  'connecting' | 'live' | 'waiting' | 'stalled' | 'reconnecting' | 'refused' | 'closed';

export interface WhepOptions {
  url: string;
  token: string;
  onStream: (stream: MediaStream) => void;
  /** `reason` is what the server said when it refused. */
  onState: (state: LiveState, reason: string | null) => void;
  fetch?: typeof fetch;
  createPeer?: () => RTCPeerConnection;
  /** Between 0 and 1; spreads the viewers of a source that comes back. */
  random?: () => number;
}

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 5000;
const CONNECT_TIMEOUT_MS = 10_000;
const FLOW_CHECK_MS = 1000;
/** Checks without a byte after which the picture counts as standing still. */
const STALL_CHECKS = 2;
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

class Refused extends Error {}

/** Not now: nobody publishes, or the server is too busy; it may say after how many milliseconds to ask again. */
class Later extends Error {
  constructor(
    readonly reason: 'not publishing' | 'busy',
    readonly retryMs: number | null,
  ) {
    super(reason);
  }
}

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

/** One attempt: its peer connection, and the session at the server once there is one. */
interface Attempt {
  peer: RTCPeerConnection;
  resource: string | null;
}

export class WhepPlayer {
  readonly #options: Required<WhepOptions>;
  #attempt: Attempt | null = null;
  #failures = 0;
  #state: LiveState = 'connecting';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flowTimer: ReturnType<typeof setInterval> | undefined;
  #bytes = 0;
  #quietChecks = 0;
  #wasLive = false;
  #heldMs = 0;

  constructor(options: WhepOptions) {
    this.#options = {
      fetch: (input, init) => fetch(input, init),
      createPeer: () => new RTCPeerConnection({ bundlePolicy: 'max-bundle' }),
      random: Math.random,
      ...options,
    };
    void this.#start();
  }

  get state(): LiveState {
    return this.#state;
  }

  /** The receiver statistics of the present session, for whoever supports it. */
  async stats(): Promise<RTCStatsReport | null> {
    return (await this.#attempt?.peer.getStats()) ?? null;
  }

  /** Holds picture and sound back by so much, in milliseconds; 0 is the least that the network allows. */
  hold(ms: number): void {
    this.#heldMs = ms;
    for (const receiver of this.#attempt?.peer.getReceivers() ?? []) this.#holdBack(receiver);
  }

  /** Makes a new session at once unless media is arriving; for when the server was away. */
  nudge(): void {
    if (this.#state === 'closed' || (this.#state === 'live' && this.#quietChecks === 0)) return;
    this.#failures = 0;
    this.#again(0);
  }

  /** Leaves: ends the session at the server too, even while the page goes away. */
  close(): void {
    if (this.#state === 'closed') return;
    clearTimeout(this.#timer);
    this.#end();
    this.#setState('closed');
  }

  async #start(): Promise<void> {
    const attempt: Attempt = { peer: this.#options.createPeer(), resource: null };
    this.#attempt = attempt;
    this.#timer = setTimeout(
      () => this.#failed(attempt, new Error('timed out')),
      CONNECT_TIMEOUT_MS,
    );
    try {
      this.#prepare(attempt);
      await this.#negotiate(attempt);
    } catch (error) {
      this.#failed(attempt, error);
    }
  }

  #prepare(attempt: Attempt): void {
    const { peer } = attempt;
    const stream = new MediaStream();
    for (const kind of ['video', 'audio'] as const) {
      const { receiver } = peer.addTransceiver(kind, { direction: 'recvonly' });
      this.#holdBack(receiver);
      stream.addTrack(receiver.track);
    }
    peer.onconnectionstatechange = () => {
      if (attempt !== this.#attempt) return;
      if (peer.connectionState === 'connected') {
        clearTimeout(this.#timer);
        this.#failures = 0;
        this.#watchFlow(attempt);
        this.#options.onStream(stream);
      } else if (peer.connectionState === 'failed') {
        this.#failed(attempt, new Error('the transport failed'));
      }
    };
  }

  #holdBack(receiver: RTCRtpReceiver): void {
    if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = this.#heldMs;
  }

  async #negotiate(attempt: Attempt): Promise<void> {
    const { peer } = attempt;
    const offer = await peer.createOffer();
    const sdp = withStereo(offer.sdp ?? '');
    await peer.setLocalDescription({ type: 'offer', sdp });
    // Candidates are not waited for: the server is reached at its own address and learns ours from that.
    const response = await this.#options.fetch(this.#options.url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/sdp',
        Authorization: `Bearer ${this.#options.token}`,
      },
      body: sdp,
      credentials: 'omit',
      cache: 'no-store',
    });
    const location = response.headers.get('Location');
    if (location) {
      attempt.resource = new URL(location, new URL(this.#options.url, pageAddress())).href;
    }
    // Left in the meantime: the session that came too late is not kept.
    if (attempt !== this.#attempt) return this.#delete(attempt);
    await this.#accept(attempt, response);
  }

  async #accept(attempt: Attempt, response: Response): Promise<void> {
    const { status } = response;
    const retryMs = retryAfterMs(response.headers.get('Retry-After'));
    if (status === 409) throw new Later('not publishing', retryMs);
    if (status === 429 || status === 503) throw new Later('busy', retryMs);
    if (status >= 400 && status < 500) throw new Refused(await refusalOf(response));
    if (status !== 201) throw new Error(`status ${status}`);
    const sdp = await response.text();
    if (attempt === this.#attempt) {
      await attempt.peer.setRemoteDescription({ type: 'answer', sdp });
    }
  }

  #failed(attempt: Attempt, error: unknown): void {
    if (attempt !== this.#attempt) return;
    const wait =
      Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures) *
      (0.75 + 0.25 * this.#options.random());
    this.#failures += 1;
    if (error instanceof Later && error.reason === 'not publishing') {
      this.#failures = 0;
      this.#again(error.retryMs ?? 2000);
      this.#setState('waiting');
    } else if (error instanceof Refused) {
      // A right may still be given, or a source appear; but there is no hurry.
      this.#again(LONGEST_WAIT_MS);
      this.#setState('refused', error.message);
    } else {
      this.#again(error instanceof Later ? Math.max(wait, error.retryMs ?? 0) : wait);
      this.#setState(this.#wasLive ? 'reconnecting' : 'connecting');
    }
  }

  #again(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#end();
    this.#timer = setTimeout(() => void this.#start(), waitMs);
  }

  #watchFlow(attempt: Attempt): void {
    clearInterval(this.#flowTimer);
    this.#bytes = 0;
    this.#quietChecks = 0;
    const check = async () => {
      const bytes = received(await attempt.peer.getStats());
      if (attempt !== this.#attempt) return;
      this.#quietChecks = bytes > this.#bytes ? 0 : this.#quietChecks + 1;
      this.#bytes = bytes;
      if (this.#quietChecks === 0) {
        this.#wasLive = true;
        this.#setState('live');
      } else if (this.#quietChecks >= STALL_CHECKS) {
        if (attempt.peer.connectionState === 'disconnected') {
          this.#failed(attempt, new Error('the server is gone'));
        } else {
          this.#setState('stalled');
        }
      }
    };
    this.#flowTimer = setInterval(() => void check(), FLOW_CHECK_MS);
    void check();
  }

  /** Ends the present attempt, here and at the server. */
  #end(): void {
    clearInterval(this.#flowTimer);
    const attempt = this.#attempt;
    this.#attempt = null;
    if (!attempt) return;
    attempt.peer.onconnectionstatechange = null;
    attempt.peer.close();
    this.#delete(attempt);
  }

  #delete(attempt: Attempt): void {
    if (!attempt.resource) return;
    const url = attempt.resource;
    attempt.resource = null;
    // Nothing depends on the answer: a session whose viewer is gone ends by itself a little later.
    void this.#options
      .fetch(url, {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${this.#options.token}` },
        credentials: 'omit',
        keepalive: true,
      })
      .catch(() => undefined);
  }

  #setState(state: LiveState, reason: string | null = null): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state, reason);
  }
}

/** Bytes of video received so far, or of audio where a source has no picture. */
function received(stats: RTCStatsReport): number {
  let bytes = 0;
  stats.forEach((entry: { type: string; bytesReceived?: number }) => {
    if (entry.type === 'inbound-rtp') bytes += entry.bytesReceived ?? 0;
  });
  return bytes;
}

export function pageAddress(): string {
  return typeof location === 'undefined' ? 'http://localhost/' : location.href;
}
