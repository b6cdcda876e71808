import type { Stroke } from './board';
import { fromPicture, SCALE, type Box } from './geometry';

/** What this module needs of a canvas, so that tests can stand in for it. */
export type Canvas2D = Pick<
  CanvasRenderingContext2D,
  | 'beginPath'
  | 'moveTo'
  | 'lineTo'
  | 'quadraticCurveTo'
  | 'stroke'
  | 'arc'
  | 'fill'
  | 'fillText'
  | 'measureText'
  | 'fillRect'
> & {
  strokeStyle: unknown;
  fillStyle: unknown;
  globalAlpha: number;
  lineWidth: number;
  lineCap: string;
  lineJoin: string;
  font: string;
};

/** Where somebody points. */
export interface ShownPointer {
  name: string;
  color: string;
  x: number;
  y: number;
  /** When it was heard of, on the clock of `performance.now()`. */
  at: number;
}

/** A pointer of which nothing is heard fades: its person may be gone. */
const HOLD_MS = 900;
const FADE_MS = 600;

/** Draws a stroke as a smooth line: through the middles between its points, which bend it. */
export function paintStroke(canvas: Canvas2D, box: Box, stroke: Stroke): void {
  const { points } = stroke;
  if (points.length < 2) return;
  const at = (n: number) => fromPicture(box, points[2 * n]!, points[2 * n + 1]!);
  const count = points.length / 2;
  canvas.strokeStyle = stroke.color;
  canvas.lineWidth = Math.max(1, (stroke.width / SCALE) * box.height);
  canvas.lineCap = 'round';
  canvas.lineJoin = 'round';
  canvas.beginPath();
  canvas.moveTo(...at(0));
  if (count < 3) canvas.lineTo(...at(count - 1));
  for (let n = 1; n < count - 1; n += 1) {
    const [x, y] = at(n);
    const [nextX, nextY] = at(n + 1);
    const last = n === count - 2;
    canvas.quadraticCurveTo(x, y, last ? nextX : (x + nextX) / 2, last ? nextY : (y + nextY) / 2);
  }
  canvas.stroke();
}

/** How visible a pointer is: 1, and less when nothing was heard of it for a while; 0 when it is to be forgotten. */
export function visibility(pointer: ShownPointer, now: number): number {
  return Math.min(1, Math.max(0, 1 - (now - pointer.at - HOLD_MS) / FADE_MS));
}

/** Draws a pointer with the name of its person. */
export function paintPointer(canvas: Canvas2D, box: Box, pointer: ShownPointer, now: number): void {
  const alpha = visibility(pointer, now);
  if (alpha === 0) return;
  const [left, top] = fromPicture(box, pointer.x, pointer.y);
  const dot = (radius: number, opacity: number) => {
    canvas.globalAlpha = alpha * opacity;
    canvas.beginPath();
    canvas.arc(left, top, radius, 0, 2 * Math.PI);
    canvas.fill();
  };
  canvas.fillStyle = pointer.color;
  dot(14, 0.25);
  dot(6, 1);
  canvas.fillStyle = '#ffffff';
  dot(2.5, 0.9);
  canvas.font = "500 12px 'Inter Variable', system-ui, sans-serif";
  const { width } = canvas.measureText(pointer.name);
  // Beside it, where there is room.
  const x = left + 16 + width > box.left + box.width ? left - 22 - width : left + 14;
  const y = Math.min(box.top + box.height - 10, Math.max(box.top + 14, top + 4));
  canvas.globalAlpha = alpha * 0.65;
  canvas.fillStyle = '#000000';
  canvas.fillRect(x - 4, y - 13, width + 8, 18);
  canvas.globalAlpha = alpha;
  canvas.fillStyle = '#ffffff';
  canvas.fillText(pointer.name, x, y);
  canvas.globalAlpha = 1;
}

/** Colours to draw with: told apart on most pictures, and by most eyes. */
export const COLORS = ['#FF4B3E', '#FFD23F', '#3DDC84', '#4DA3FF', '#FFFFFF', '#111111'] as const;

/** A colour of a person's own, for their pointer. */
export function colorOf(userId: string): string {
  let hash = 0;
  for (const letter of userId) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return `hsl(${hash % 360} 90% 62%)`;
}
