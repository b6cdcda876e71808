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
