import { ApiError, Code } from '../api';
import type { Socket } from '../socket';
import type { Stroke } from './board';

export interface StrokeSenderOptions {
  id: string;
  socket: Pick<Socket, 'request'>;
  /** The server does not take a stroke. */
  onRefused: (strokeId: string, message: string) => void;
}

/** Parts of a stroke go out this often. */
export const EVERY_MS = 33;
const TOO_FAST_WAIT_MS = 250;
/** The server takes 512 points in a part. */
const MOST_POINTS = 500;

interface Sending {
  stroke: Stroke;
  /** Points that went out, and points that the server has said it knows. */
  sent: number;
  known: number;
  /** Whether the person has finished it, and whether that went out. */
  done: boolean;
  doneSent: boolean;
  /** Whether all of it was sent once more. */
  again: boolean;
}

/**
 * Sends strokes while they are drawn: what is new every 33 ms, and what was lost on the way again, until the
 * server has the whole stroke.
 */
export class StrokeSender {
  readonly #options: StrokeSenderOptions;
  readonly #strokes = new Map<string, Sending>();
  #attending = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StrokeSenderOptions) {
    this.#options = options;
  }

  /** The strokes that the server does not have whole. */
  get open(): ReadonlySet<string> {
    return new Set(this.#strokes.keys());
  }

  begin(stroke: Stroke): void {
    this.#strokes.set(stroke.id, {
      ...{ stroke, sent: 0, known: 0 },
      ...{ done: false, doneSent: false, again: false },
    });
    this.#schedule(0);
  }

  /** Points were added to a stroke. */
  more(): void {
    this.#schedule(EVERY_MS);
  }

  end(id: string): void {
    const sending = this.#strokes.get(id);
    if (sending) sending.done = true;
    this.#schedule(0);
  }

  /** The stroke is of no use any more. */
  drop(id: string): void {
    this.#strokes.delete(id);
  }

  attended(): void {
    this.#attending = true;
    for (const sending of this.#strokes.values()) this.#rewind(sending);
    this.#schedule(0);
  }

  lost(): void {
    this.#attending = false;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#attending = false;
    this.#strokes.clear();
  }

  #schedule(ms: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#flush(), ms);
  }

  #flush(): void {
    this.#timer = undefined;
    if (!this.#attending) return;
    for (const sending of this.#strokes.values()) this.#send(sending);
  }

  #send(sending: Sending): void {
    const { stroke, sent, done } = sending;
    const total = stroke.points.length / 2;
    if (sending.doneSent || (sent === total && !done)) return;
    const until = Math.min(total, sent + MOST_POINTS);
    const last = done && until === total;
    const data = {
      ...{ id: this.#options.id, stroke_id: stroke.id },
      ...{ asset_id: stroke.assetId, frame: stroke.frame },
      ...{ color: stroke.color, width: stroke.width },
      ...{ from: sent, points: stroke.points.slice(sent * 2, until * 2), done: last },
    };
    sending.sent = until;
    sending.doneSent = last;
    this.#options.socket
      .request<{ points: number }>('rushes/room/draw', data)
      .then(({ points }) => {
        sending.known = Math.max(sending.known, points);
        if (last) this.#strokes.delete(stroke.id);
      })
      .catch((error: unknown) => this.#failed(sending, until, error));
    if (until < total) this.#schedule(EVERY_MS);
  }

  #failed(sending: Sending, until: number, error: unknown): void {
    if (this.#strokes.get(sending.stroke.id) !== sending) return;
    // The connection is away: all goes out again with the next one.
    if (!(error instanceof ApiError)) return;
    // A part behind one that was refused is refused for the gap: that one goes out again anyway.
    if (sending.sent < until) return;
    if (error.code === Code.TOO_FAST) {
      this.#rewind(sending);
      this.#schedule(TOO_FAST_WAIT_MS);
      return;
    }
    // A room that had to begin anew may have forgotten the beginning: once more the whole of it.
    if (sending.known > 0 && !sending.again) {
      sending.again = true;
      sending.known = 0;
      this.#rewind(sending);
      this.#schedule(EVERY_MS);
      return;
    }
    this.#strokes.delete(sending.stroke.id);
    this.#options.onRefused(sending.stroke.id, error.message);
  }

  #rewind(sending: Sending): void {
    sending.sent = sending.known;
    sending.doneSent = false;
  }
}
