import { describe, expect, it, vi } from 'vitest';
import { canShareScreen, openScreen, sharedBy, type Surroundings } from './screen';

function around(error?: { name: string; message?: string }): Surroundings {
  const tracks = [
    { kind: 'video', contentHint: '' },
    { kind: 'audio', contentHint: '' },
  ];
  const of = (kind: string) => tracks.filter((track) => track.kind === kind);
  const stream = {
    getVideoTracks: () => of('video'),
    getAudioTracks: () => of('audio'),
  } as unknown as MediaStream;
  const getDisplayMedia = vi.fn(async () => {
    if (error) throw error;
    return stream;
  });
  return { devices: { getDisplayMedia }, secure: true, touch: false };
}

describe('sharing a screen', () => {
  it('is offered where it can be had, or where the person can be told why not', () => {
    expect(canShareScreen(around())).toBe(true);
    expect(canShareScreen({ devices: undefined, secure: false, touch: false })).toBe(true);
    expect(canShareScreen({ ...around(), touch: true })).toBe(false);
    expect(canShareScreen({ devices: {} as never, secure: true, touch: false })).toBe(false);
  });

  it('asks for detail in the picture, and for the sound', async () => {
    const here = around();
    const stream = await openScreen(here);
    expect(stream?.getVideoTracks()[0]?.contentHint).toBe('detail');
    expect(stream?.getAudioTracks()[0]?.contentHint).toBe('music');
    expect(here.devices?.getDisplayMedia).toHaveBeenCalledWith(
      expect.objectContaining({ systemAudio: 'include', audio: expect.anything() }),
    );
  });

  it('says nothing where the person chose nothing', async () => {
    expect(await openScreen(around({ name: 'NotAllowedError', message: 'denied' }))).toBeNull();
  });

  it.each([
    ['NotAllowedError', 'Permission denied by system', /privacy settings/],
    ['NotReadableError', '', /cannot be recorded/],
    ['NotFoundError', '', /no screen or window/],
    ['TypeError', '', /cannot be shared/],
  ])('puts %s into words', async (name, message, words) => {
    await expect(openScreen(around({ name, message }))).rejects.toThrow(words);
  });

  it('names what is missing on a page that is not secure, and in an old browser', async () => {
    const insecure = { devices: undefined, secure: false, touch: false };
    await expect(openScreen(insecure)).rejects.toThrow(/secure pages only/);
    await expect(openScreen({ ...insecure, secure: true })).rejects.toThrow(/cannot share/);
  });
});

describe('a shared screen of a room', () => {
  const asset = { is_live: true, batch_id: null, user_id: 'A1' };

  it('is somebody’s, and no other source and no clip is', () => {
    expect(sharedBy(asset)).toBe('A1');
    expect(sharedBy({ ...asset, batch_id: 'B1' })).toBeNull();
    expect(sharedBy({ ...asset, is_live: false })).toBeNull();
    expect(sharedBy({ ...asset, is_live: null })).toBeNull();
  });
});
