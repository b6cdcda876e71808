import { describe, expect, it } from 'vitest';
import type { Room, RoomStatus } from './api';
import { groupRooms, likelyBegin, localInput, roomTime } from './rooms';

function room(name: string, status: RoomStatus, start: string | null = null): Room {
  return { id: name, name, status, start_time: start, end_time: start } as Room;
}

describe('groupRooms', () => {
  it('shows what matters now first', () => {
    const sorted = groupRooms([
      room('old', 'COMPLETE', '2026-01-01T10:00:00Z'),
      room('later', 'SCHEDULED', '2026-03-02T10:00:00Z'),
      room('recent', 'COMPLETE', '2026-02-01T10:00:00Z'),
      room('soon', 'SCHEDULED', '2026-03-01T10:00:00Z'),
      room('now', 'STARTED'),
    ]);
    expect(sorted.map((r) => r.name)).toEqual(['now', 'soon', 'later', 'recent', 'old']);
  });
});

describe('a time that is chosen', () => {
  it('is on the clock of who chooses, and comes back as it was', () => {
    const time = new Date(2026, 0, 9, 7, 5);
    expect(localInput(time)).toBe('2026-01-09T07:05');
    expect(new Date(localInput(time))).toEqual(time);
  });

  it('is proposed on a full hour, on the next day where it is late', () => {
    expect(likelyBegin(new Date(2026, 0, 9, 22, 59, 30))).toEqual(new Date(2026, 0, 10, 0, 0));
  });
});

describe('roomTime', () => {
  const now = new Date(2026, 2, 5, 18, 0);
  const at = (...parts: [number, number, number, number, number]) =>
    new Date(...parts).toISOString();

  it('says the least that is unambiguous', () => {
    const started = room('a', 'STARTED', at(2026, 2, 5, 14, 5));
    expect(roomTime(started, now, 'en-GB')).toBe('since 14:05');
    const today = room('a', 'SCHEDULED', at(2026, 2, 5, 20, 0));
    expect(roomTime(today, now, 'en-GB')).toBe('today 20:00');
    const other = room('a', 'SCHEDULED', at(2026, 2, 9, 9, 30));
    expect(roomTime(other, now, 'en-GB')).toBe('9 Mar, 09:30');
    const last = room('a', 'COMPLETE', at(2025, 10, 9, 9, 30));
    expect(roomTime(last, now, 'en-GB')).toBe('9 Nov 2025, 09:30');
  });

  it('says nothing about a time that is not set', () => {
    expect(roomTime(room('a', 'SCHEDULED'), now)).toBe('');
  });
});
