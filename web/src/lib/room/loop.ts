import type { Loop } from '../sync';

/** The loop that begins at a frame, and ends where it did, if that lies behind it. */
export function withIn(loop: Loop, frame: number, frames: number): Loop {
  const out = typeof loop === 'object' && loop.out >= frame ? loop.out : frames - 1;
  return { in: frame, out };
}

/** The loop that ends after a frame, and begins where it did, if that lies before it. */
export function withOut(loop: Loop, frame: number): Loop {
  const begin = typeof loop === 'object' && loop.in <= frame ? loop.in : 0;
  return { in: begin, out: frame };
}
