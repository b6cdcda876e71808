/**
 * Watching a live source by WHEP: one POST with an offer, one answer, a session that is deleted on leaving.
 * The player looks after itself: it waits while nobody publishes, and comes back when the network or the server fails.
 */
import {
  CONNECT_TIMEOUT_MS,
  FIRST_WAIT_MS,
  LONGEST_WAIT_MS,
  Refused,
  deleteSession,
  endAttempt,
  postOffer,
  refusalOf,
  retryAfterMs,
  withStereo,
  type Attempt,
} from './liveSession';
import { playsSurround, withSurround } from './surround';
import type { Held } from './sync';

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
  /** Whether more than two channels of sound would be heard. */
  surround?: () => boolean;
  /** Between 0 and 1; spreads the viewers of a source that comes back. */
  random?: () => number;
}

const FLOW_CHECK_MS = 1000;
/** Up to the first byte it is looked more often, so that nobody reads "connecting" over a picture. */
const FIRST_CHECK_MS = 100;
/** After so long without a byte the picture counts as standing still. */
const STALL_MS = 2000;
/** Not now: nobody publishes, or the server is too busy; it may say after how many milliseconds to ask again. */
class Later extends Error {
  constructor(
    readonly reason: 'not publishing' | 'busy',
    readonly retryMs: number | null,
  ) {
    super(reason);
  }
}

export class WhepPlayer {
  readonly #options: Required<WhepOptions>;
  #attempt: Attempt | null = null;
  #failures = 0;
  #state: LiveState = 'connecting';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flowTimer: ReturnType<typeof setTimeout> | undefined;
  #watch: symbol | undefined;
  #bytes = 0;
  #quietMs = 0;
  #wasLive = false;
  /** This browser has refused what asks for six channels. */
  #onlyStereo = false;
  #held: Held = { picture: 0, sound: 0 };

  constructor(options: WhepOptions) {
    this.#options = {
      fetch: (input, init) => fetch(input, init),
      createPeer: () => new RTCPeerConnection({ bundlePolicy: 'max-bundle' }),
      surround: playsSurround,
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

  /** Holds picture and sound back by so much; 0 is the least that the network allows. */
  hold(held: Held): void {
    this.#held = held;
    for (const receiver of this.#attempt?.peer.getReceivers() ?? []) this.#holdBack(receiver);
  }

  /** Makes a new session at once unless media is arriving; for when the server was away. */
  nudge(): void {
    if (this.#state === 'closed' || (this.#state === 'live' && this.#quietMs === 0)) return;
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
    if (!('jitterBufferTarget' in receiver)) return;
    const { picture, sound } = this.#held;
    receiver.jitterBufferTarget = receiver.track.kind === 'audio' ? sound : picture;
  }

  async #negotiate(attempt: Attempt): Promise<void> {
    const { peer } = attempt;
    const offer = await peer.createOffer();
    const sdp = await this.#describe(peer, withStereo(offer.sdp ?? ''));
    // Candidates are not waited for: the server is reached at its own address and learns ours from that.
    const response = await postOffer(this.#options, attempt, sdp);
    // Left in the meantime: the session that came too late is not kept.
    if (attempt !== this.#attempt) return deleteSession(this.#options, attempt);
    await this.#accept(attempt, response);
  }

  /** Sets the offer: with six channels of sound where they would be heard and the browser lets them be asked for. */
  async #describe(peer: RTCPeerConnection, stereo: string): Promise<string> {
    const six = !this.#onlyStereo && this.#options.surround() ? withSurround(stereo) : stereo;
    if (six !== stereo) {
      try {
        await peer.setLocalDescription({ type: 'offer', sdp: six });
        return six;
      } catch {
        this.#onlyStereo = true;
      }
    }
    await peer.setLocalDescription({ type: 'offer', sdp: stereo });
    return stereo;
  }

  async #accept(attempt: Attempt, response: Response): Promise<void> {
    const { status } = response;
    const retryMs = retryAfterMs(response.headers.get('Retry-After'));
    if (status === 409) throw new Later('not publishing', retryMs);
    if (status === 429 || status === 503) throw new Later('busy', retryMs);
    if (status >= 400 && status < 500) throw new Refused(await refusalOf(response));
    if (status !== 201) throw new Error(`status ${status}`);
    const sdp = await response.text();
    if (attempt !== this.#attempt) return;
    try {
      await attempt.peer.setRemoteDescription({ type: 'answer', sdp });
    } catch (error) {
      // The next attempt goes without.
      this.#onlyStereo ||= sdp.includes(' multiopus/');
      throw error;
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
    clearTimeout(this.#flowTimer);
    // A look that is under way when the transport comes back is not gone on with.
    const watch = (this.#watch = Symbol('watch'));
    this.#bytes = 0;
    this.#quietMs = 0;
    const checkIn = (wait: number): void => {
      this.#flowTimer = setTimeout(() => void check(wait), wait);
    };
    const check = async (waited: number): Promise<void> => {
      const bytes = received(await attempt.peer.getStats());
      if (attempt !== this.#attempt || watch !== this.#watch) return;
      this.#quietMs = bytes > this.#bytes ? 0 : this.#quietMs + waited;
      this.#bytes = bytes;
      if (bytes > 0 && this.#quietMs === 0) {
        this.#wasLive = true;
        this.#setState('live');
      } else if (this.#quietMs >= STALL_MS) {
        this.#standsStill(attempt);
      }
      // An attempt that failed is over.
      if (attempt === this.#attempt) checkIn(bytes > 0 ? FLOW_CHECK_MS : FIRST_CHECK_MS);
    };
    void check(0);
  }

  #standsStill(attempt: Attempt): void {
    if (attempt.peer.connectionState === 'disconnected') {
      this.#failed(attempt, new Error('the server is gone'));
    } else {
      this.#setState('stalled');
    }
  }

  /** Ends the present attempt, here and at the server. */
  #end(): void {
    clearTimeout(this.#flowTimer);
    const attempt = this.#attempt;
    this.#attempt = null;
    if (attempt) endAttempt(this.#options, attempt);
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
