import { describe, expect, it } from 'vitest';
import { isSource, sourceLabel } from './sources';

describe('isSource', () => {
  it('knows a source also while nobody publishes it', () => {
    expect(isSource({ is_live: true, subtype: 'STREAMING' })).toBe(true);
    expect(isSource({ is_live: false, subtype: 'STREAMING' })).toBe(true);
    expect(isSource({ is_live: true, subtype: null })).toBe(true);
    expect(isSource({ is_live: false, subtype: null })).toBe(false);
  });

  it('says that it is away', () => {
    expect(sourceLabel({ is_live: true })).toBe('Live source');
    expect(sourceLabel({ is_live: false })).toBe('Live source, away');
  });
});
