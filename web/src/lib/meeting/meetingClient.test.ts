import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, Unreachable } from '../api';
import { fakePeers, FakeSocket, track } from './fakes';
import { MeetingClient } from './meetingClient';
import { MeetingEvent, type Member } from './protocol';

const ID = 'ROOM';
const ANNA: Member = {
  user_id: 'ANNA',
  name: 'Anna',
  is_host: false,
  muted: false,
  may_unmute: true,
  camera: false,
};

function setUp() {
  const socket = new FakeSocket();
  const { peers, connect } = fakePeers();
  let joins = 0;
  socket.answers.set('rushes/meeting/join', () => {
    joins += 1;
    return {
      id: ID,
      attendance: joins,
      user_id: 'ANNA',
      offer: 1,
      sdp: `offer ${joins}`,
      ice: { iceServers: [] },
      camera_rates: [120_000, 700_000],
    };
  });
  const onAsked = vi.fn();
  const onEnded = vi.fn();
  const joinToken = vi.fn(() => Promise.resolve(`token ${joins + 1}`));
  const client = new MeetingClient({
    id: ID,
    socket,
    connect,
    joinToken,
    onChange: () => undefined,
    onAsked,
    onEnded,
  });
  const roster = (...members: Member[]) => socket.tell(MeetingEvent.ROSTER, { id: ID, members });
  return { socket, peers, client, roster, onAsked, onEnded, joinToken };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('MeetingClient', () => {
  it('joins with a fresh token and answers the first offer', async () => {
    const { client, socket, peers } = setUp();
    await client.enter();
    expect(client.state).toBe('in');
    expect(socket.asked).toEqual([
      ['rushes/meeting/join', { id: ID, join_token: 'token 1' }],
      ['rushes/meeting/answer', { id: ID, offer: 1, sdp: 'answer to offer 1' }],
    ]);
    expect(peers).toHaveLength(1);
  });

  it('sends the microphone only while the server says that it is heard', async () => {
    const { client, roster, peers } = setUp();
    const microphone = track('audio');
    await client.setMicrophone(microphone);
    await client.enter();
    expect(peers[0]!.senders[0]!.track).toBe(microphone);
    expect(microphone.enabled).toBe(false);
    roster(ANNA);
    expect(microphone.enabled).toBe(true);
    roster({ ...ANNA, muted: true });
    expect(microphone.enabled).toBe(false);
    roster(ANNA);
    void client.mute();
    expect(microphone.enabled).toBe(false);
  });

  it('tells the server of the camera, again after it came back', async () => {
    const { client, socket } = setUp();
    await client.enter();
    await client.setCamera(track('video'));
    expect(socket.asked.at(-1)).toEqual(['rushes/meeting/camera', { id: ID, on: true }]);
    socket.becomes('reconnecting');
    socket.becomes('online');
    await vi.advanceTimersByTimeAsync(0);
    expect(socket.count('rushes/meeting/camera')).toBe(2);
    await client.setCamera(null);
    expect(socket.asked.at(-1)).toEqual(['rushes/meeting/camera', { id: ID, on: false }]);
  });

  it('takes later offers in their order and no one else’s', async () => {
    const { client, socket, peers } = setUp();
    await client.enter();
    const offer = { id: ID, attendance: 1 };
    socket.tell(MeetingEvent.OFFER, { ...offer, offer: 2, sdp: 'offer b' });
    socket.tell(MeetingEvent.OFFER, { ...offer, offer: 3, sdp: 'offer c' });
    socket.tell(MeetingEvent.OFFER, { ...offer, attendance: 9, offer: 2, sdp: 'offer x' });
    socket.tell(MeetingEvent.OFFER, { ...offer, id: 'OTHER', offer: 2, sdp: 'offer y' });
    await vi.advanceTimersByTimeAsync(0);
    expect(peers[0]!.applied).toEqual(['offer 1', 'offer b', 'offer c']);
    expect(socket.asked.at(-1)).toEqual([
      'rushes/meeting/answer',
      { id: ID, offer: 3, sdp: 'answer to offer c' },
    ]);
  });

  it('makes a lost connection anew and ignores the end of the one before', async () => {
    const { client, socket, peers, onEnded } = setUp();
    await client.enter();
    peers[0]!.becomes('failed');
    expect(client.state).toBe('returning');
    await vi.advanceTimersByTimeAsync(1500);
    expect(client.state).toBe('in');
    expect(peers[0]!.closed).toBe(true);
    socket.tell(MeetingEvent.ENDED, { id: ID, attendance: 1, reason: 'REPLACED' });
    expect(client.state).toBe('in');
    socket.tell(MeetingEvent.ENDED, { id: ID, attendance: 2, reason: 'REMOVED' });
    expect(client.state).toBe('out');
    expect(onEnded).toHaveBeenCalledWith('REMOVED');
  });

  it('waits a while before it gives an interrupted connection up', async () => {
    const { client, peers } = setUp();
    await client.enter();
    peers[0]!.becomes('disconnected');
    await vi.advanceTimersByTimeAsync(5000);
    peers[0]!.becomes('connected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(client.state).toBe('in');
    expect(peers).toHaveLength(1);
    peers[0]!.becomes('disconnected');
    await vi.advanceTimersByTimeAsync(8000);
    expect(peers).toHaveLength(2);
  });

  it('comes back when the server is there again', async () => {
    const { client, socket, peers, joinToken } = setUp();
    await client.enter();
    socket.becomes('reconnecting');
    expect(client.state).toBe('in');
    joinToken.mockRejectedValueOnce(new Unreachable());
    socket.becomes('online');
    await vi.advanceTimersByTimeAsync(0);
    expect(client.state).toBe('returning');
    await vi.advanceTimersByTimeAsync(1500);
    expect(client.state).toBe('in');
    expect(peers.filter((peer) => !peer.closed)).toHaveLength(1);
  });

  it('stays out, with the server’s words, when it is refused', async () => {
    const { client, socket, onEnded } = setUp();
    socket.answers.set('rushes/meeting/join', () => {
      throw new ApiError({ code: 676, message: 'The meeting is full' });
    });
    await client.enter();
    expect(client.state).toBe('out');
    expect(onEnded).toHaveBeenCalledWith('The meeting is full');
  });

  it('is out for good after leaving, also while it was coming', async () => {
    const { client, socket, peers, roster } = setUp();
    const coming = client.enter();
    client.leave();
    await coming;
    expect(client.state).toBe('out');
    expect(socket.count('rushes/meeting/join')).toBe(0);
    await client.enter();
    roster(ANNA);
    client.leave();
    expect(peers.every((peer) => peer.closed)).toBe(true);
    expect(client.members).toEqual([]);
    socket.becomes('online');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(client.state).toBe('out');
  });

  it('says who speaks, who is where, and who asks', async () => {
    const { client, socket, roster, onAsked } = setUp();
    await client.enter();
    roster(ANNA);
    socket.tell(MeetingEvent.SPEAKER, { id: ID, user_id: 'BEN', talking: ['BEN'] });
    const video = [{ mid: 'v', user_id: 'BEN' }];
    socket.tell(MeetingEvent.SOURCES, { id: ID, attendance: 1, audio: [], video });
    socket.tell(MeetingEvent.ASKED, { id: ID, by: 'BEN' });
    expect(client.me).toEqual(ANNA);
    expect(client.speaker).toBe('BEN');
    expect([...client.talking]).toEqual(['BEN']);
    expect(client.pictures).toEqual(video);
    expect(onAsked).toHaveBeenCalledWith('BEN');
  });
});
