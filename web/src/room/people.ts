import { byName } from '../lib/names';
import type { RoomUser } from '../lib/room/protocol';

/** Hosts first, then who is here, then who is away; oneself leads one's own group. */
export function order(users: readonly RoomUser[], you: string | null): RoomUser[] {
  const rank = (user: RoomUser) => (user.online ? 0 : 2) + (user.is_host ? 0 : 1);
  return [...users].sort(
    (a, b) =>
      rank(a) - rank(b) || Number(b.user_id === you) - Number(a.user_id === you) || byName(a, b),
  );
}

/** What is on show while people follow. */
export interface Followed {
  isLive: boolean;
  /** True where it is a live source that nobody publishes, or that has left the room. */
  absent: boolean;
}

/** How well somebody follows, for the hosts; null where there is nothing to say. */
export function following(
  user: RoomUser,
  { isLive, absent }: Followed,
): { text: string; off: boolean } | null {
  if (!user.online) return null;
  if (user.following === false) return { text: 'On their own', off: false };
  // What is not there nobody has, which is no matter of theirs.
  if (absent) return null;
  if (user.buffering) return { text: 'Loading', off: true };
  if (user.error_ms === null || user.error_frames === null) return null;
  // A client that cannot tell how old its live picture is reports nothing but zeros.
  if (isLive && user.error_ms === 0 && user.error_frames === 0) return null;
  const ms = Math.round(user.error_ms);
  const text = `${ms < 0 ? '−' : ms > 0 ? '+' : ''}${Math.abs(ms)} ms`;
  return { text, off: Math.abs(user.error_frames) >= 1 };
}
