import { byName } from './names';
import type { Room, RoomStatus } from './api';

export type RoomKind = 'live' | 'scheduled' | 'complete';

/** What a room's status is called on the page. */
export function statusOf(status: RoomStatus): { kind: RoomKind; label: string } {
  switch (status) {
    case 'STARTED':
      return { kind: 'live', label: 'Live' };
    case 'COMPLETE':
      return { kind: 'complete', label: 'Complete' };
    case 'DRAFT':
      return { kind: 'scheduled', label: 'Draft' };
    default:
      return { kind: 'scheduled', label: 'Scheduled' };
  }
}

const order: Record<RoomKind, number> = { live: 0, scheduled: 1, complete: 2 };

function timeOf(room: Room): number {
  const time = Date.parse(room.start_time ?? '');
  return Number.isNaN(time) ? 0 : time;
}

/** Live rooms first, then what is to come, soonest first, then what is over, latest first. */
export function groupRooms(rooms: readonly Room[]): Room[] {
  return [...rooms].sort((a, b) => {
    const [kindA, kindB] = [statusOf(a.status).kind, statusOf(b.status).kind];
    if (kindA !== kindB) return order[kindA] - order[kindB];
    const byTime = kindA === 'scheduled' ? timeOf(a) - timeOf(b) : timeOf(b) - timeOf(a);
    return byTime || byName(a, b);
  });
}

/** A time as an input of the kind `datetime-local` has it, on the clock of the person who looks. */
export function localInput(time: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day}T${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** The next full hour but one: when a room that is planned now may well begin. */
export function likelyBegin(now = new Date()): Date {
  const time = new Date(now);
  time.setHours(now.getHours() + 2, 0, 0, 0);
  return time;
}

/** When a room began, will begin or ended, in the words of the person's own locale. */
export function roomTime(room: Room, now = new Date(), locale?: string): string {
  const text = statusOf(room.status).kind === 'complete' ? room.end_time : room.start_time;
  const time = new Date(text ?? Number.NaN);
  if (Number.isNaN(time.getTime())) return '';
  const clock = time.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' });
  if (time.toDateString() === now.toDateString()) {
    return statusOf(room.status).kind === 'live' ? `since ${clock}` : `today ${clock}`;
  }
  const day = time.toLocaleDateString(locale, {
    day: 'numeric',
    month: 'short',
    ...(time.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }),
  });
  return `${day}, ${clock}`;
}
