import { describe, expect, it } from 'vitest';
import type { RoomUser } from '../lib/room/protocol';
import { following } from './people';

const user: RoomUser = {
  ...{ user_id: 'U', name: 'Ada', is_host: false, is_guest: true, online: true },
  ...{ error_ms: -12.4, error_frames: -0.3, rtt_ms: 9, buffering: false, following: true },
};
const clip = { isLive: false, absent: false };
const live = { isLive: true, absent: false };

describe('how well somebody follows', () => {
  it('is how far their picture is off', () => {
    expect(following(user, clip)).toEqual({ text: '−12 ms', off: false });
    const behind = { ...user, error_ms: 40, error_frames: 1 };
    expect(following(behind, live)).toEqual({ text: '+40 ms', off: true });
  });

  it('says who waits, of a live source as of a clip', () => {
    const waiting = { ...user, buffering: true };
    for (const shown of [clip, live]) {
      expect(following(waiting, shown)).toEqual({ text: 'Loading', off: true });
    }
  });

  it('does not say that anybody loads a source that is not there', () => {
    expect(following({ ...user, buffering: true }, { ...live, absent: true })).toBeNull();
  });

  it('has nothing to say of who is away, or of a client that measures nothing', () => {
    expect(following({ ...user, online: false }, clip)).toBeNull();
    expect(following({ ...user, error_ms: null, error_frames: null }, clip)).toBeNull();
    expect(following({ ...user, error_ms: 0, error_frames: 0 }, live)).toBeNull();
    expect(following({ ...user, following: false }, live)?.text).toBe('On their own');
  });
});
