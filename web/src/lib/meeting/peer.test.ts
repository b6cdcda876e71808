import { describe, expect, it, vi } from 'vitest';
import { fakePeers, track } from './fakes';
import { Peer } from './peer';

function setUp() {
  const { peers, connect } = fakePeers();
  const onTrack = vi.fn();
  const onLost = vi.fn();
  const answer = vi.fn(() => Promise.resolve());
  const peer = new Peer({
    config: {},
    connect,
    rates: [120_000, 700_000],
    answer,
    onTrack,
    onLost,
  });
  return { peer, pc: peers[0]!, onTrack, onLost, answer };
}

const offer = (sdp: string, number = 1) => ({ id: '', attendance: 1, offer: number, sdp });

describe('Peer', () => {
  it('gives the layers of the camera their size and rate', async () => {
    const { peer, pc } = setUp();
    await peer.offered(offer('a'));
    const [small, large] = pc.senders[1]!.parameters.encodings;
    expect(small).toMatchObject({ rid: 'l', maxBitrate: 120_000, scaleResolutionDownBy: 2 });
    expect(large).toMatchObject({ rid: 'h', maxBitrate: 700_000, scaleResolutionDownBy: 1 });
  });

  it('sends what it was given before and after the first offer', async () => {
    const { peer, pc } = setUp();
    const [microphone, camera, other] = [track('audio'), track('video'), track('video')];
    await peer.setMicrophone(microphone);
    await peer.offered(offer('a'));
    await peer.setCamera(camera);
    expect(pc.senders.map((sender) => sender.track)).toEqual([microphone, camera]);
    await peer.offered(offer('b', 2));
    await peer.setCamera(other);
    expect(pc.senders[1]!.track).toBe(other);
  });

  it('is lost when an offer cannot be taken, and says nothing once it is closed', async () => {
    const { peer, onLost, answer } = setUp();
    await peer.offered(offer('bad'));
    expect(onLost).toHaveBeenCalledOnce();
    peer.close();
    await peer.offered(offer('bad'));
    expect(onLost).toHaveBeenCalledOnce();
    expect(answer).not.toHaveBeenCalled();
  });

  it('names tracks by their section', () => {
    const { pc, onTrack } = setUp();
    const sound = track('audio');
    pc.ontrack?.({ transceiver: { mid: 'x' }, track: sound } as RTCTrackEvent);
    expect(onTrack).toHaveBeenCalledWith('x', sound);
  });
});
