/** Coordinates of a picture are in parts of so many of its width and height. */
export const SCALE = 10_000;

/** A point of the picture: from its left and its top, in parts of `SCALE`. */
export interface PicturePoint {
  x: number;
  y: number;
}

/** Where a picture is within its element, in CSS pixels. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

interface Size {
  width: number;
  height: number;
}

/** Where a picture stands that is shown whole in the middle of an element (`object-fit: contain`). */
export function pictureBox(element: Size, picture: Size | null): Box {
  if (!picture || picture.width <= 0 || picture.height <= 0) {
    return { left: 0, top: 0, ...element };
  }
  const scale = Math.min(element.width / picture.width, element.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  const [left, top] = [(element.width - width) / 2, (element.height - height) / 2];
  return { left, top, width, height };
}

const part = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * SCALE);

/** The point of the picture below a place of its element; one beside the picture is brought to its edge. */
export function toPicture(box: Box, left: number, top: number): PicturePoint {
  if (box.width <= 0 || box.height <= 0) return { x: 0, y: 0 };
  return { x: part((left - box.left) / box.width), y: part((top - box.top) / box.height) };
}

/** Whether a place of the element is on the picture. */
export function isOnPicture(box: Box, left: number, top: number): boolean {
  return (
    left >= box.left &&
    top >= box.top &&
    left <= box.left + box.width &&
    top <= box.top + box.height
  );
}

/** The place in the element above a point of the picture. */
export function fromPicture(box: Box, x: number, y: number): [left: number, top: number] {
  return [box.left + (x / SCALE) * box.width, box.top + (y / SCALE) * box.height];
}

/**
 * The points that a line needs: those that are nearer to the one before than can be seen are left out. `before` is the
 * last that was kept.
 */
export function thinned(
  points: readonly PicturePoint[],
  before: PicturePoint | null,
  least = 8,
): PicturePoint[] {
  const kept: PicturePoint[] = [];
  let last = before;
  for (const point of points) {
    if (last && Math.hypot(point.x - last.x, point.y - last.y) < least) continue;
    kept.push(point);
    last = point;
  }
  return kept;
}
