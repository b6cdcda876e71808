/**
 * Publishing by WHIP (RFC 9725): one POST with an offer, one answer, a session that is deleted at the end.
 * The publisher looks after itself: when the network or the server fails it publishes anew, under the same token.
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

/**
 * - `connecting`: an offer is on its way, or its transport is being set up
 * - `live`: the transport stands, and media go out
 * - `reconnecting`: it was lost and is being made anew
 * - `refused`: the server does not take it, or not any more; it is over
 * - `closed`
 */
export type PublishState = 'connecting' | 'live' | 'reconnecting' | 'refused' | 'closed';

export interface WhipOptions {
  url: string;
  token: string;
  /** What is published: one picture, and a sound where there is one. It is not stopped here. */
  stream: MediaStream;
  /** `reason` is what the server said when it refused. */
  onState: (state: PublishState, reason: string | null) => void;
  fetch?: typeof fetch;
  createPeer?: () => RTCPeerConnection;
  /** What the browser can send; null where it does not say. */
  codecs?: () => readonly RTCRtpCodec[] | null;
}

/** A transport that is silent for this long is given up. */
const SILENCE_MS = 2500;
/** Enough for small text at 1080p; the browser sends what the network bears. */
const MOST_BITS = 4_000_000;

/** Every browser plays these two; retransmission belongs to them. */
const PLAYABLE = /^video\/(h264|vp8|rtx)$/i;
/** Comes first: what is recorded, replayed and put into composites. */
const RECORDED = /^video\/h264$/i;

/** Not now; it may say after how many milliseconds to ask again. */
class Later extends Error {
  constructor(readonly retryMs: number | null) {
    super('busy');
  }
}

export class WhipPublisher {
  readonly #options: Required<WhipOptions>;
  #attempt: Attempt | null = null;
  #failures = 0;
  #state: PublishState = 'connecting';
  #wasLive = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: WhipOptions) {
    this.#options = {
      fetch: (input, init) => fetch(input, init),
      createPeer: () => new RTCPeerConnection({ bundlePolicy: 'max-bundle' }),
      codecs: () => globalThis.RTCRtpSender?.getCapabilities('video')?.codecs ?? null,
      ...options,
    };
    void this.#start();
  }

  get state(): PublishState {
    return this.#state;
  }

  /** Asks the server at once whether it still takes this; for when it may have changed its mind, or was away. */
  nudge(): void {
    if (this.#over || this.#state === 'connecting') return;
    this.#failures = 0;
    this.#again(0);
  }

  /** Ends it, at the server too, even while the page goes away. */
  close(): void {
    if (this.#over) return;
    clearTimeout(this.#timer);
    this.#end();
    this.#setState('closed');
  }

  get #over(): boolean {
    return this.#state === 'closed' || this.#state === 'refused';
  }

  async #start(): Promise<void> {
    const attempt: Attempt = { peer: this.#options.createPeer(), resource: null };
    this.#attempt = attempt;
    this.#giveUpAfter(attempt, CONNECT_TIMEOUT_MS);
    try {
      this.#prepare(attempt);
      await this.#negotiate(attempt);
    } catch (error) {
      this.#failed(attempt, error);
    }
  }

  #prepare(attempt: Attempt): void {
    const { peer } = attempt;
    const { stream, codecs } = this.#options;
    for (const track of stream.getTracks()) {
      const picture = track.kind === 'video';
      const transceiver = peer.addTransceiver(track, {
        direction: 'sendonly',
        streams: [stream],
        ...(picture && { sendEncodings: [{ maxBitrate: MOST_BITS }] }),
      });
      const playable = codecs()?.filter((codec) => PLAYABLE.test(codec.mimeType)) ?? [];
      playable.sort(
        (a, b) => Number(RECORDED.test(b.mimeType)) - Number(RECORDED.test(a.mimeType)),
      );
      if (picture && playable.length > 0) transceiver.setCodecPreferences(playable);
      if (picture) keepSharp(transceiver.sender);
    }
    peer.onconnectionstatechange = () => {
      if (attempt === this.#attempt) this.#transport(attempt);
    };
  }

  #transport(attempt: Attempt): void {
    switch (attempt.peer.connectionState) {
      case 'connected':
        clearTimeout(this.#timer);
        this.#failures = 0;
        this.#wasLive = true;
        return this.#setState('live');
      case 'disconnected':
        return this.#giveUpAfter(attempt, SILENCE_MS);
      case 'failed':
      case 'closed':
        return this.#failed(attempt, new Error('the transport failed'));
    }
  }

  #giveUpAfter(attempt: Attempt, ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#failed(attempt, new Error('timed out')), ms);
  }

  async #negotiate(attempt: Attempt): Promise<void> {
    const { peer } = attempt;
    const offer = await peer.createOffer();
    await peer.setLocalDescription(offer);
    const response = await postOffer(this.#options, attempt, offer.sdp ?? '');
    // Ended in the meantime: the session that came too late is not kept.
    if (attempt !== this.#attempt) return deleteSession(this.#options, attempt);
    const { status } = response;
    if (status === 409 || status === 429 || status === 503) {
      throw new Later(retryAfterMs(response.headers.get('Retry-After')));
    }
    if (status >= 400 && status < 500) throw new Refused(await refusalOf(response));
    if (status !== 201) throw new Error(`status ${status}`);
    const sdp = await response.text();
    if (attempt !== this.#attempt) return;
    // What the answer asks for is what the browser encodes: system sound has two channels.
    await peer.setRemoteDescription({ type: 'answer', sdp: withStereo(sdp) });
  }

  #failed(attempt: Attempt, error: unknown): void {
    if (attempt !== this.#attempt) return;
    if (error instanceof Refused) {
      clearTimeout(this.#timer);
      this.#end();
      return this.#setState('refused', error.message);
    }
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#again(error instanceof Later ? Math.max(wait, error.retryMs ?? 0) : wait);
    this.#setState(this.#wasLive ? 'reconnecting' : 'connecting');
  }

  #again(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#end();
    this.#timer = setTimeout(() => void this.#start(), waitMs);
  }

  /** Ends the present attempt, here and at the server. */
  #end(): void {
    const attempt = this.#attempt;
    this.#attempt = null;
    if (attempt) endAttempt(this.#options, attempt);
  }

  #setState(state: PublishState, reason: string | null = null): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state, reason);
  }
}

/** Where the network is slow there are fewer pictures, and never ones that cannot be read. */
function keepSharp(sender: RTCRtpSender): void {
  const parameters = sender.getParameters();
  void sender
    .setParameters({ ...parameters, degradationPreference: 'maintain-resolution' } as never)
    .catch(() => undefined);
}
