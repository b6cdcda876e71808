/** Live sources among the assets of a folder or a room. */
import type { Asset } from './api';

/** Whether an asset is a live source, also one that nobody publishes at the moment. */
export function isSource(asset: Pick<Asset, 'is_live' | 'subtype'>): boolean {
  return asset.is_live === true || asset.subtype === 'STREAMING';
}

/** What people read beside its name. */
export function sourceLabel(asset: Pick<Asset, 'is_live'>): string {
  return asset.is_live ? 'Live source' : 'Live source, away';
}
