// Composites: several live sources on one canvas, how they are arranged, and what the server is told of it.
import { moved as movedIn } from './room/keeping';
import { SourcesApi, type Source } from './sources';

export type Fit = 'CONTAIN' | 'COVER' | 'STRETCH';

/** A place on the canvas, in its pixels. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Cell extends Box {
  source: string;
  fit?: Fit;
  label?: string;
}

export interface Canvas {
  width: number;
  height: number;
  fps: number;
  background?: string;
}

export interface Layout {
  canvas: Canvas;
  cells: Cell[];
  audio: { mode: 'SOURCE'; source: string } | { mode: 'MIX' } | { mode: 'NONE' };
  slate?: boolean;
}

/** What may stand on one canvas. */
export const MOST_CELLS = 9;
/** The longest label, in characters. */
export const LABEL_MOST = 60;
export const CANVAS: Canvas = { width: 1280, height: 720, fps: 25 };

/** How the sources lie; `own`: as somebody put them who is not this page. */
export type Pattern = 'grid' | 'large' | 'inset' | 'own';
export const PATTERNS: readonly { value: Exclude<Pattern, 'own'>; name: string }[] = [
  { value: 'grid', name: 'Side by side, all of one size' },
  { value: 'large', name: 'The first one large, the others beside it' },
  { value: 'inset', name: 'The first one everywhere, the others small on it' },
];

/** A cell as it is edited. */
export interface DraftCell {
  source: string;
  fit: Fit;
  label: string;
  /** Where it lay when it was loaded; null for one that was added since. */
  box: Box | null;
}

/** A composite as it is edited. */
export interface Draft {
  pattern: Pattern;
  cells: DraftCell[];
  /** `MIX`, `NONE`, or the source that is heard. */
  sound: string;
}

const even = (value: number) => 2 * Math.floor(value / 2);

/** Where so many sources lie. All of it is on the canvas, and even, as encoders want it. */
export function boxesOf(pattern: Exclude<Pattern, 'own'>, count: number, canvas: Canvas): Box[] {
  if (count === 0) return [];
  const { width, height } = canvas;
  const all = { x: 0, y: 0, width: even(width), height: even(height) };
  if (count === 1) return [all];
  if (pattern === 'grid') return grid(count, all);
  const others = Array.from({ length: count - 1 }, (_, n) => n);
  if (pattern === 'inset') {
    const size = { width: even(width / 5), height: even(height / 5) };
    const gap = even(height / 36);
    // Four in a row from the right, and another row above them.
    const place = (n: number) => ({
      x: even(width) - ((n % 4) + 1) * (size.width + gap),
      y: even(height) - (Math.floor(n / 4) + 1) * (size.height + gap),
    });
    return [all, ...others.map((n) => ({ ...place(n), ...size }))];
  }
  const large = even((width * 3) / 4);
  const [side, each] = [even(width) - large, even(height / Math.max(4, others.length))];
  return [
    { ...all, width: large },
    ...others.map((n) => ({ x: large, y: n * each, width: side, height: each })),
  ];
}

function grid(count: number, all: Box): Box[] {
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const [width, height] = [even(all.width / columns), even(all.height / rows)];
  const spare = even((all.height - rows * height) / 2);
  return Array.from({ length: count }, (_, n) => {
    const row = Math.floor(n / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = even((all.width - inRow * width) / 2);
    return { x: left + (n % columns) * width, y: spare + row * height, width, height };
  });
}

/** Adds a source, unless there are as many as there may be. */
export function withSource(draft: Draft, source: string): Draft {
  if (draft.cells.length >= MOST_CELLS) return draft;
  const pattern = draft.pattern === 'own' ? 'grid' : draft.pattern;
  const cells = [...draft.cells, { source, fit: 'CONTAIN' as const, label: '', box: null }];
  const sound = draft.cells.length === 0 ? source : draft.sound;
  return { pattern, cells, sound };
}

export function withoutCell(draft: Draft, index: number): Draft {
  const cells = draft.cells.filter((_, n) => n !== index);
  const pattern = draft.pattern === 'own' ? 'grid' : draft.pattern;
  const heard =
    ['MIX', 'NONE'].includes(draft.sound) || cells.some(({ source }) => source === draft.sound);
  return { pattern, cells, sound: heard ? draft.sound : (cells[0]?.source ?? 'NONE') };
}

/** Moves a cell to another place in the order, in which the first is the large one and later ones lie above. */
export function moved(draft: Draft, index: number, by: number): Draft {
  return { ...draft, cells: movedIn(draft.cells, index, by) };
}

/** Where the cells of a draft lie. */
export function placed(draft: Draft, canvas: Canvas): Box[] {
  if (draft.pattern !== 'own') return boxesOf(draft.pattern, draft.cells.length, canvas);
  const boxes = boxesOf('grid', draft.cells.length, canvas);
  return draft.cells.map(({ box }, n) => box ?? boxes[n]!);
}

/** What the server is told. What the page does not edit stays as it was. */
export function layoutOf(draft: Draft, before: Partial<Layout> | null): Layout {
  const canvas = { ...CANVAS, ...before?.canvas };
  const boxes = placed(draft, canvas);
  const cells = draft.cells.map(({ source, fit, label }, n) => ({
    source,
    ...boxes[n]!,
    fit,
    ...(label.trim() ? { label: label.trim() } : {}),
  }));
  const { sound } = draft;
  const audio: Layout['audio'] =
    sound === 'MIX' || sound === 'NONE' ? { mode: sound } : { mode: 'SOURCE', source: sound };
  return { ...before, canvas, cells, audio };
}

/** What is edited, of a layout that the server has. */
export function draftOf(layout: Partial<Layout> | null): Draft {
  const canvas = { ...CANVAS, ...layout?.canvas };
  const cells = (layout?.cells ?? []).map(({ source, fit, label, x, y, width, height }) => ({
    source,
    fit: fit ?? 'CONTAIN',
    label: label ?? '',
    box: { x, y, width, height },
  }));
  const { audio } = layout ?? {};
  const first = cells[0]?.source ?? 'NONE';
  const sound = !audio ? first : audio.mode === 'SOURCE' ? (audio.source ?? first) : audio.mode;
  const same = (a: Box, b: Box | undefined) =>
    b && a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
  const known = PATTERNS.find(({ value }) => {
    const boxes = boxesOf(value, cells.length, canvas);
    return cells.every(({ box }, n) => same(box, boxes[n]));
  });
  return { pattern: known?.value ?? 'own', cells, sound };
}

/** Those that can be put on a canvas. */
export function usable(sources: readonly Source[]): Source[] {
  return sources.filter(({ type }) => type !== 'COMPOSITE' && type !== 'QTAKE');
}

/** The calls about composites. */
export class CompositeApi extends SourcesApi {
  /** Makes one, and says its id. */
  async create(folder: string, name: string, description: string, layout: Layout): Promise<string> {
    const data = { project_id: folder, name, description, layout };
    return (await this.call<{ id: string }>('/create/live/registration/composite', data)).id;
  }

  update(id: string, name: string, description: string, layout: Layout): Promise<unknown> {
    const data = { id, name, description, layout };
    return this.call('/update/live/registration/composite', data);
  }
}
