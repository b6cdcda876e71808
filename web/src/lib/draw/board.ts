/** A stroke, or a part of one, as the server tells it. `points` is one list: x, y, x, y, … */
export interface StrokeData {
  stroke_id: string;
  user_id: string;
  asset_id: string;
  frame: number | null;
  color: string;
  width: number;
  from: number;
  points: number[];
  done: boolean;
  kept: boolean;
}

export interface Stroke {
  id: string;
  userId: string;
  assetId: string;
  /** Null on a live source. */
  frame: number | null;
  color: string;
  /** In ten-thousandths of the picture's height. */
  width: number;
  points: number[];
  done: boolean;
  kept: boolean;
}

/** The frame that is drawn on. */
export interface Place {
  assetId: string;
  frame: number | null;
}

export function isOn(stroke: Pick<Stroke, 'assetId' | 'frame'>, place: Place): boolean {
  return stroke.assetId === place.assetId && stroke.frame === place.frame;
}

/** All that is drawn in a room, as far as this client knows. */
export class Board {
  readonly #strokes = new Map<string, Stroke>();
  /** Strokes that are gone; what may still come of them counts for nothing. */
  readonly #gone = new Set<string>();

  /** What the server tells; `whole` means that there is nothing else. */
  take(parts: readonly StrokeData[], whole: boolean, mine: ReadonlySet<string> = new Set()): void {
    if (whole) {
      const told = new Set(parts.map(({ stroke_id }) => stroke_id));
      for (const id of this.#strokes.keys()) {
        // What this person is drawing is on its way to the server.
        if (!told.has(id) && !mine.has(id)) this.#strokes.delete(id);
      }
      this.#gone.clear();
    }
    for (const part of parts) this.#part(part);
  }

  /** Adds a stroke that this person draws, before the server tells of it. */
  begin(stroke: Stroke): void {
    this.#strokes.set(stroke.id, stroke);
  }

  /** Adds points that this person drew. */
  extend(id: string, points: readonly number[]): void {
    this.#strokes.get(id)?.points.push(...points);
  }

  erase(ids: readonly string[]): void {
    for (const id of ids) {
      this.#strokes.delete(id);
      this.#gone.add(id);
    }
  }

  keep(ids: readonly string[]): void {
    for (const id of ids) {
      const stroke = this.#strokes.get(id);
      if (stroke) stroke.kept = true;
    }
  }

  get(id: string): Stroke | undefined {
    return this.#strokes.get(id);
  }

  /** The strokes on a frame, in the order in which they were drawn. */
  on(place: Place): Stroke[] {
    return [...this.#strokes.values()].filter((stroke) => isOn(stroke, place));
  }

  /** The frames of a clip that are drawn on, in order. */
  frames(assetId: string): number[] {
    const frames = new Set<number>();
    for (const stroke of this.#strokes.values()) {
      if (stroke.assetId === assetId && stroke.frame !== null) frames.add(stroke.frame);
    }
    return [...frames].sort((a, b) => a - b);
  }

  #part(part: StrokeData): void {
    if (this.#gone.has(part.stroke_id)) return;
    let stroke = this.#strokes.get(part.stroke_id);
    if (!stroke) {
      // The beginning was missed: it comes whole with the next subscription.
      if (part.from > 0) return;
      const { stroke_id: id, user_id: userId, asset_id: assetId, frame, color, width } = part;
      stroke = { id, userId, assetId, frame, color, width, points: [], done: false, kept: false };
      this.#strokes.set(id, stroke);
    }
    const known = stroke.points.length / 2;
    if (part.from <= known) stroke.points.push(...part.points.slice((known - part.from) * 2));
    stroke.done ||= part.done;
    stroke.kept ||= part.kept;
  }
}
