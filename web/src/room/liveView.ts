import type { BufferTotals, Held, LiveTotals } from '../lib/sync';
import { WhepPlayer, type LiveState } from '../lib/whep';

export interface LiveViewOptions {
  video: HTMLVideoElement;
  token: string;
  onState: (state: LiveState, reason: string | null) => void;
  /** A picture reached the screen. */
  onPicture: (metadata: VideoFrameCallbackMetadata) => void;
  /** Another source, or another connection to it. */
  onStream: () => void;
  /** The browser does not let sound start before the person has touched the page; it plays muted now. */
  onMuted: () => void;
}

/** Puts a live source on a `<video>`, and takes it off again. */
export class LiveView {
  readonly #options: LiveViewOptions;
  #player: WhepPlayer | null = null;
  #assetId: string | null = null;
  #frozen = false;
  #callback = 0;
  /** Who closes the page leaves the source too, instead of being missed by the server a while later. */
  readonly #leave = () => this.#player?.close();
  readonly #comeBack = (event: PageTransitionEvent) => {
    const assetId = this.#assetId;
    if (!event.persisted || assetId === null) return;
    this.show(null);
    this.show(assetId);
  };

  constructor(options: LiveViewOptions) {
    this.#options = options;
    addEventListener('pagehide', this.#leave);
    addEventListener('pageshow', this.#comeBack);
    this.#watch();
  }

  /** Shows this source; null shows none. The same source goes on without a break. */
  show(assetId: string | null): void {
    if (assetId === this.#assetId) return;
    this.#assetId = assetId;
    this.#player?.close();
    this.#player = null;
    this.#options.video.srcObject = null;
    if (assetId === null) return;
    const player = new WhepPlayer({
      url: `/live/whep/${encodeURIComponent(assetId)}`,
      token: this.#options.token,
      onStream: (stream) => {
        this.#options.video.srcObject = stream;
        this.#options.onStream();
        this.#play();
      },
      onState: (state, reason) => {
        if (player === this.#player) this.#options.onState(state, reason);
      },
    });
    this.#player = player;
    this.#options.onState('connecting', null);
  }

  /** Holds the picture, or lets it run on from what is live by then. */
  freeze(frozen: boolean): void {
    if (frozen === this.#frozen) return;
    this.#frozen = frozen;
    if (frozen) this.#options.video.pause();
    else this.#play();
  }

  /** Holds picture and sound back by so much. */
  hold(held: Held): void {
    this.#player?.hold(held);
  }

  /** What the browser's buffers have done so far. */
  async totals(): Promise<LiveTotals | null> {
    const inbound = new Map<string | undefined, BufferTotals>();
    (await this.#player?.stats())?.forEach((entry: { type: string; kind?: string }) => {
      if (entry.type === 'inbound-rtp') inbound.set(entry.kind, entry as BufferTotals);
    });
    const video = inbound.get('video');
    return video ? { video, audio: inbound.get('audio') ?? null } : null;
  }

  /** For when the server was away: a session that it has forgotten is made anew. */
  nudge(): void {
    this.#player?.nudge();
  }

  destroy(): void {
    removeEventListener('pagehide', this.#leave);
    removeEventListener('pageshow', this.#comeBack);
    this.#options.video.cancelVideoFrameCallback(this.#callback);
    this.show(null);
  }

  #play(): void {
    const { video, onMuted } = this.#options;
    if (this.#frozen || !video.srcObject) return;
    void video.play().catch((error: unknown) => {
      if ((error as DOMException).name !== 'NotAllowedError' || video.muted) return;
      video.muted = true;
      onMuted();
      void video.play().catch(() => undefined);
    });
  }

  #watch(): void {
    this.#callback = this.#options.video.requestVideoFrameCallback((_, metadata) => {
      this.#watch();
      this.#options.onPicture(metadata);
    });
  }
}
