/** One picture that reached the screen, as `window.__rushes` tells it to tests and to whoever gives support. */
export interface ShownSample {
  kind: 'clip' | 'live';
  assetId: string | null;
  /** Counted from the media's own time; null for a live picture, which carries no number here. */
  frame: number | null;
  mediaTime: number;
  /** When it was on the screen: on this page's clock, and on the server's. */
  at: number;
  serverMs: number | null;
  /** The room's frame at that moment. */
  target: number | null;
}

export interface DebugSource {
  state: () => unknown;
  connection: () => string;
  clock: () => { offsetMs: number | null; rttMs: number | null };
  sync: () => unknown;
}

export interface RushesDebug {
  readonly shown: ShownSample | null;
  readonly samples: readonly ShownSample[];
  /** Pictures since the page was opened, of clips and of live sources. */
  readonly pictures: { readonly clip: number; readonly live: number };
  readonly state: unknown;
  readonly connection: string;
  readonly clock: { offsetMs: number | null; rttMs: number | null };
  readonly sync: unknown;
  /** The server's time now, in milliseconds. */
  readonly serverNow: number | null;
}

declare global {
  interface Window {
    __rushes?: RushesDebug;
  }
}

const KEPT = 600;

/** Records what is shown, and lets it be read from outside; nothing can be changed by it. */
export class DebugRecorder {
  readonly #samples: ShownSample[] = [];
  readonly #pictures = { clip: 0, live: 0 };

  constructor(source: DebugSource) {
    const samples = this.#samples;
    const pictures = this.#pictures;
    window.__rushes = Object.freeze({
      get shown() {
        return samples.at(-1) ?? null;
      },
      get samples() {
        return [...samples];
      },
      get pictures() {
        return { ...pictures };
      },
      get state() {
        return source.state();
      },
      get connection() {
        return source.connection();
      },
      get clock() {
        return source.clock();
      },
      get sync() {
        return source.sync();
      },
      get serverNow() {
        const { offsetMs } = source.clock();
        return offsetMs === null ? null : performance.now() + offsetMs;
      },
    });
  }

  add(sample: ShownSample): void {
    this.#pictures[sample.kind] += 1;
    this.#samples.push(sample);
    if (this.#samples.length > KEPT) this.#samples.shift();
  }

  /** A live picture; it carries no number that could be compared. */
  live(
    assetId: string | null,
    metadata: VideoFrameCallbackMetadata,
    serverMs: number | null,
  ): void {
    const { mediaTime, expectedDisplayTime: at } = metadata;
    this.add({ kind: 'live', assetId, frame: null, mediaTime, at, serverMs, target: null });
  }

  remove(): void {
    delete window.__rushes;
  }
}
