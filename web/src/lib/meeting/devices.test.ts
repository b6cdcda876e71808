import { describe, expect, it } from 'vitest';
import { listDevices, openDevice, type Devices } from './devices';
import { track } from './fakes';

function devices(getUserMedia: (constraints: MediaStreamConstraints) => unknown): Devices {
  return {
    getUserMedia: async (constraints: MediaStreamConstraints) =>
      getUserMedia(constraints) as MediaStream,
    enumerateDevices: async () =>
      [
        { kind: 'audioinput', deviceId: 'm1', label: 'Desk microphone' },
        { kind: 'videoinput', deviceId: 'c1', label: '' },
        { kind: 'audioinput', deviceId: '', label: '' },
      ] as MediaDeviceInfo[],
  };
}

const failing = (name: string) =>
  devices(() => {
    throw new DOMException('', name);
  });

describe('openDevice', () => {
  it('prefers the chosen device', async () => {
    const asked: MediaStreamConstraints[] = [];
    const all = devices((constraints) => {
      asked.push(constraints);
      return { getTracks: () => [track('audio')] };
    });
    await openDevice('microphone', 'm1', all);
    expect(asked[0]).toMatchObject({
      audio: { deviceId: { ideal: 'm1' }, echoCancellation: true },
    });
    await openDevice('camera', null, all);
    expect(asked[1]).toMatchObject({ video: { width: { ideal: 640 } } });
    expect(asked[1]!.video).not.toHaveProperty('deviceId');
  });

  it.each([
    ['NotAllowedError', 'Allow it beside the address'],
    ['NotFoundError', 'No microphone was found'],
    ['NotReadableError', 'another program'],
    ['WeirdError', 'cannot be used'],
  ])('says what to do about %s', async (name, words) => {
    await expect(openDevice('microphone', null, failing(name))).rejects.toThrow(words);
  });

  it('says that the page has to be secure', async () => {
    await expect(openDevice('microphone', null, undefined)).rejects.toThrow('https://');
  });
});

describe('listDevices', () => {
  it('names devices, also those that the browser does not name', async () => {
    const all = devices(() => null);
    expect(await listDevices('microphone', all)).toEqual([{ id: 'm1', label: 'Desk microphone' }]);
    expect(await listDevices('camera', all)).toEqual([{ id: 'c1', label: 'camera 1' }]);
  });
});
