import { describe, expect, it } from 'vitest';
import { withIn, withOut } from './loop';

describe('the points of a loop', () => {
  it('keep each other, unless they cross', () => {
    expect(withIn(false, 10, 100)).toEqual({ in: 10, out: 99 });
    expect(withIn({ in: 5, out: 50 }, 10, 100)).toEqual({ in: 10, out: 50 });
    expect(withIn({ in: 5, out: 50 }, 60, 100)).toEqual({ in: 60, out: 99 });
    expect(withOut(true, 10)).toEqual({ in: 0, out: 10 });
    expect(withOut({ in: 5, out: 50 }, 30)).toEqual({ in: 5, out: 30 });
    expect(withOut({ in: 40, out: 50 }, 30)).toEqual({ in: 0, out: 30 });
  });
});
