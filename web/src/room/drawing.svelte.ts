import { Board, type Place, type Stroke, type StrokeData } from '../lib/draw/board';
import { thinned, type PicturePoint } from '../lib/draw/geometry';
import { COLORS, colorOf, type ShownPointer } from '../lib/draw/paint';
import { StrokeSender } from '../lib/draw/sender';
import { Pacer } from '../lib/pacer';
import { randomId } from '../lib/room/roomClient';
import type { Socket } from '../lib/socket';

export type Tool = 'pen' | 'laser';

export interface DrawingOptions {
  id: string;
  socket: Socket;
  me: () => string | null;
  nameOf: (userId: string) => string;
  /** What is on the screen; null where there is nothing to draw on. */
  place: () => Place | null;
  onProblem: (message: string) => void;
}

/** Widths of the pen, in ten-thousandths of the picture's height. */
export const WIDTHS = [30, 60, 120] as const;

interface PointerData {
  user_id: string;
  asset_id: string;
  x: number | null;
  y: number | null;
}

/** What is drawn and pointed at in a room, for its page. */
export class DrawingModel {
  readonly #options: DrawingOptions;
  readonly #sender: StrokeSender;
  readonly #laser: Pacer<PicturePoint>;
  readonly #stops: Array<() => void> = [];
  readonly board = new Board();
  readonly pointers = new Map<string, ShownPointer & { assetId: string }>();
  /** Null while the picture is only looked at. */
  tool = $state<Tool | null>(null);
  color = $state<string>(COLORS[0]);
  width = $state<number>(WIDTHS[1]);
  /** Counts the changes of what is drawn. */
  version = $state(0);
  /** True while there is something of one's own that can be taken back. */
  canUndo = $state(false);
  keeping = $state(false);
  /** The stroke under this person's hand. */
  #stroke: Stroke | null = null;
  /** This person's strokes, the last one last. */
  #mine: string[] = [];

  constructor(options: DrawingOptions) {
    this.#options = options;
    const { id, socket } = options;
    this.#sender = new StrokeSender({
      id,
      socket,
      onRefused: (strokeId, message) => {
        this.board.erase([strokeId]);
        this.#mine = this.#mine.filter((mine) => mine !== strokeId);
        this.#changed();
        options.onProblem(message);
      },
    });
    this.#laser = new Pacer<PicturePoint>({
      ...{ everyMs: 33, burst: 60, perSecond: 30 },
      send: ({ x, y }) => this.#point({ x, y }),
    });
    this.#on<{ strokes: StrokeData[]; whole: boolean }>('STROKES', ({ strokes, whole }) => {
      this.board.take(strokes, whole, this.#sender.open);
    });
    this.#on<{ stroke_ids: string[] }>('STROKES_ERASED', ({ stroke_ids }) => {
      stroke_ids.forEach((one) => this.#sender.drop(one));
      this.board.erase(stroke_ids);
    });
    this.#on<{ stroke_ids: string[] }>('STROKES_KEPT', ({ stroke_ids }) => {
      this.board.keep(stroke_ids);
    });
    this.#on<{ pointers: PointerData[] }>('POINTERS', ({ pointers }) => this.#pointed(pointers));
  }

  attended(): void {
    this.#sender.attended();
  }

  lost(): void {
    this.#sender.lost();
    this.pointers.clear();
  }

  close(): void {
    this.#stops.forEach((stop) => stop());
    this.#sender.close();
    this.#laser.cancel();
  }

  take(tool: Tool | null): void {
    if (this.tool === 'laser' && tool !== 'laser') this.pointAway();
    this.tool = tool;
  }

  // The pen.

  begin(point: PicturePoint): void {
    const place = this.#options.place();
    const me = this.#options.me();
    if (!place || !me) return;
    const id = randomId();
    const { color, width } = this;
    this.#stroke = {
      ...{ id, userId: me, color, width, ...place },
      ...{ points: [point.x, point.y], done: false, kept: false },
    };
    this.board.begin(this.#stroke);
    this.#mine.push(id);
    this.#sender.begin(this.#stroke);
    this.#changed();
  }

  move(points: readonly PicturePoint[]): void {
    if (!this.#stroke) return;
    const [x, y] = this.#stroke.points.slice(-2);
    const added = thinned(points, { x: x!, y: y! });
    if (added.length === 0) return;
    this.#stroke.points.push(...added.flatMap((point) => [point.x, point.y]));
    this.#sender.more();
    this.#changed();
  }

  end(): void {
    if (!this.#stroke) return;
    this.#sender.end(this.#stroke.id);
    this.#stroke = null;
  }

  /** Takes one's last stroke back that is still there. */
  undo(): void {
    this.end();
    const id = this.#mine.pop();
    if (id === undefined) return;
    this.#sender.drop(id);
    void this.#erase({ stroke_ids: [id] });
  }

  clear(whose: 'OWN' | 'ALL', everywhere = false): void {
    const place = this.#options.place();
    const on = everywhere || !place ? {} : { asset_id: place.assetId, frame: place.frame };
    void this.#erase({ whose, ...on });
  }

  /** Keeps what is drawn on this frame as a comment. True when that is done. */
  async keep(text: string): Promise<boolean> {
    const place = this.#options.place();
    if (!place || this.keeping) return false;
    this.keeping = true;
    const { id, socket, onProblem } = this.#options;
    const on = { asset_id: place.assetId, frame: place.frame };
    try {
      await socket.request('rushes/room/keep', { id, cmd_id: randomId(), ...on, text });
      return true;
    } catch (error) {
      onProblem((error as Error).message);
      return false;
    } finally {
      this.keeping = false;
    }
  }

  /** True if there is something on this frame that no comment keeps yet. */
  isUnkept(place: Place | null): boolean {
    return !!place && this.board.on(place).some((stroke) => stroke.done && !stroke.kept);
  }

  // The laser.

  pointAt(point: PicturePoint): void {
    const place = this.#options.place();
    const me = this.#options.me();
    if (!place || !me) return;
    // One's own is where the hand is, whatever the network does.
    this.#show(me, place.assetId, point);
    this.#laser.push(point);
  }

  pointAway(): void {
    this.#laser.cancel();
    const me = this.#options.me();
    if (me && this.pointers.delete(me)) this.#point({});
  }

  #on<T>(event: string, listener: (data: T) => void): void {
    const { id, socket } = this.#options;
    const stop = socket.on(`REVIEW_SESSION_${event}`, (data) => {
      if ((data as { id: string }).id !== id) return;
      listener(data as T);
      this.#changed();
    });
    this.#stops.push(stop);
  }

  #changed(): void {
    this.#mine = this.#mine.filter((id) => this.board.get(id));
    this.canUndo = this.#mine.length > 0;
    this.version += 1;
  }

  #point(at: { x?: number; y?: number }): void {
    const { id, socket, place } = this.#options;
    const on = place();
    if (!on) return;
    // The next one comes in a moment.
    socket.request('rushes/room/point', { id, asset_id: on.assetId, ...at }).catch(() => undefined);
  }

  #pointed(pointers: readonly PointerData[]): void {
    for (const { user_id, asset_id, x, y } of pointers) {
      if (user_id === this.#options.me()) continue;
      if (x === null || y === null) this.pointers.delete(user_id);
      else this.#show(user_id, asset_id, { x, y });
    }
  }

  #show(userId: string, assetId: string, { x, y }: PicturePoint): void {
    const name = this.#options.nameOf(userId);
    const color = colorOf(userId);
    this.pointers.set(userId, { name, color, x, y, assetId, at: performance.now() });
    this.version += 1;
  }

  async #erase(which: object): Promise<void> {
    const { id, socket, onProblem } = this.#options;
    try {
      const { stroke_ids } = await socket.request<{ stroke_ids: string[] }>('rushes/room/erase', {
        id,
        ...which,
      });
      this.board.erase(stroke_ids);
      this.#changed();
    } catch (error) {
      onProblem((error as Error).message);
    }
  }
}
