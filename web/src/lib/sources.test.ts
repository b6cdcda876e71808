import { describe, expect, it, vi } from 'vitest';
import {
  addressOf,
  conversionInWords,
  declaredInWords,
  isSource,
  kindOf,
  mediaInWords,
  missingOf,
  portOf,
  SDP_MOST,
  sdpIn,
  sdpOf,
  sourceLabel,
  SourcesApi,
  stateOf,
  trackInWords,
  type DeclaredTrack,
  type NewSource,
  type Source,
  type SourceDetails,
} from './sources';

describe('isSource', () => {
  it('knows a source also while nobody publishes it', () => {
    expect(isSource({ is_live: true, subtype: 'STREAMING' })).toBe(true);
    expect(isSource({ is_live: false, subtype: 'STREAMING' })).toBe(true);
    expect(isSource({ is_live: true, subtype: null })).toBe(true);
    expect(isSource({ is_live: false, subtype: null })).toBe(false);
  });

  it('says that it is away', () => {
    expect(sourceLabel({ is_live: true })).toBe('Live source');
    expect(sourceLabel({ is_live: false })).toBe('Live source, away');
  });
});

describe('a source in words', () => {
  it('says its kind as people on set call it', () => {
    expect(kindOf({ type: 'RAW' })).toBe('RTP');
    expect(kindOf({ type: 'SRT' })).toBe('SRT');
    expect(kindOf({ type: 'DESKTOP' })).toBe('Screen');
  });

  it('tells one that has gone from one that never came', () => {
    expect(stateOf({ status: 'LIVE' }).label).toBe('Live');
    expect(stateOf({ status: 'CONNECTING' }).label).toBe('Connecting');
    expect(stateOf({ status: 'STOPPED' }).label).toBe('Stopped');
    expect(stateOf({ status: 'WAITING', last_connected: '2026-11-30' }).label).toBe('Away');
    expect(stateOf({ status: 'WAITING', last_connected: null }).label).toBe('Not seen yet');
    expect(stateOf({ status: null }).kind).toBe('away');
  });

  it('says what comes of it, as far as it is known', () => {
    const video = { codec: 'H264', width: 1920, height: 1080, fps: 23.976 };
    expect(mediaInWords({ video, audio: { channels: 2 } })).toBe(
      '1920 × 1080 · 24 fps · H.264 · stereo',
    );
    expect(mediaInWords({ video: { ...video, width: null, height: null, fps: 0 } })).toBe('H.264');
    expect(mediaInWords({ video: null, audio: { channels: 1 } })).toBe('mono');
    expect(mediaInWords({ video: null, audio: null })).toBe('');
    expect(mediaInWords(null)).toBe('');
  });

  it('says that its picture is converted, and leaves to the problems why it is not', () => {
    type Transcode = NonNullable<SourceDetails['transcode']>;
    const words = (cause: Transcode['cause'], state: Transcode['state']) =>
      conversionInWords({ transcode: { cause, state } });
    expect(words('B_FRAMES', 'RUNNING')).toContain('B-frames: converted');
    expect(words('H265', 'RUNNING')).toContain('do not take it');
    expect(words('H265', 'READY')).toContain('as soon as somebody needs it');
    expect(words('H265', 'REFUSED')).toBeNull();
    expect(words('AV1', 'READY')).toBe('AV1: converted as soon as somebody needs it');
    expect(words('VP8', 'RUNNING')).toBe('VP8: converted for those who do not take it');
    expect(words('VP8', 'READY')).toBeNull();
    expect(words('VP9', 'STARTING')).toBeNull();
    expect(conversionInWords({ transcode: null })).toBeNull();
    expect(conversionInWords(null)).toBeNull();
  });
});

const H264: DeclaredTrack = {
  payload_type: 96,
  encoding_name: 'H264',
  clock_rate: 90_000,
  codec: 'H.264',
  parameter_sets: true,
};
const L16: DeclaredTrack = {
  payload_type: 97,
  encoding_name: 'L16',
  clock_rate: 48_000,
  codec: 'L16 (PCM)',
  sample_rate: 48_000,
  channels: 2,
};

describe('what is declared', () => {
  it('names the encoding, the rate and the channels', () => {
    expect(trackInWords(H264)).toBe('H.264, with its parameter sets, payload type 96');
    expect(trackInWords(L16)).toBe('L16 (PCM), 48 kHz, stereo, payload type 97');
    const aac = { ...L16, encoding_name: 'mpeg4-generic', codec: 'AAC', sample_rate: 44_100 };
    expect(trackInWords({ ...aac, channels: 6 })).toBe(
      'AAC as mpeg4-generic, 44.1 kHz, 5.1, payload type 97',
    );
    expect(trackInWords({ ...aac, channels: 7 })).toContain('7 channels');
  });

  it('is said in a line', () => {
    expect(declaredInWords({ video: H264, audio: L16 })).toBe('H.264 and L16 (PCM) stereo');
    expect(declaredInWords({ video: null, audio: L16 })).toBe('L16 (PCM) stereo');
  });
});

describe('the SDP that somebody pastes', () => {
  const SDP = 'v=0\ns=No Name\nm=audio 5004 RTP/AVP 97\na=rtpmap:97 L16/48000/2\n';

  it('is taken out of what ffmpeg prints around it', () => {
    const printed = `Output #0, rtp, to 'rtp://…':\nSDP:\n${SDP}\nPress [q] to stop\nframe=  10 fps=0.0\n`;
    expect(sdpIn(printed)).toBe(SDP);
    expect(sdpIn(SDP.replaceAll('\n', '\r\n'))).toBe(SDP);
    expect(sdpIn(`  ${SDP.replaceAll('\n', '\n  ')}`)).toBe(SDP);
  });

  it('is left to the server where it is none', () => {
    expect(sdpIn('  rtsp://camera  ')).toBe('rtsp://camera');
    expect(sdpIn('')).toBe('');
  });

  it('comes out of a file that is dropped, unless that is something else', async () => {
    const file = { name: 'encoder.sdp', size: SDP.length, text: async () => `SDP:\n${SDP}` };
    expect(await sdpOf(file)).toBe(SDP);
    const text = vi.fn();
    const clip = { name: 'clip.mov', size: SDP_MOST + 1, text };
    await expect(sdpOf(clip)).rejects.toThrow('clip.mov is longer than any SDP');
    expect(text, 'it is not read').not.toHaveBeenCalled();
  });
});

const NEW: NewSource = {
  kind: 'whip',
  name: 'A cam',
  slate: true,
  address: '',
  videoPort: '',
  audioPort: '',
};
const RAW: NewSource = { ...NEW, kind: 'raw', address: '192.0.2.7', videoPort: '6000' };

describe('a new source', () => {
  it('reads ports, of which there may be none', () => {
    expect(portOf('')).toBe(0);
    expect(portOf(' 6000 ')).toBe(6000);
    for (const wrong of ['0', '65536', '-1', '6000a', '60.5', '1e3']) {
      expect(portOf(wrong), wrong).toBeNull();
    }
  });

  it('says what is missing', () => {
    expect(missingOf(NEW)).toBeNull();
    expect(missingOf({ ...NEW, name: ' ' })).toBe('It needs a name.');
    expect(missingOf({ ...NEW, kind: 'raw' })).toContain('address');
    expect(missingOf({ ...RAW, videoPort: '' })).toContain('picture or its sound');
    expect(missingOf({ ...RAW, audioPort: 'x' })).toContain('1 to 65535');
    expect(missingOf(RAW)).toBeNull();
  });
});

describe('addressOf', () => {
  const source = (type: string, more: object = {}): Source => ({
    id: 'r',
    name: 'A cam',
    description: null,
    type,
    status: 'WAITING',
    registration_data: 'there',
    additional_details: more,
  });
  const names = (of: Source, secret: string | null = null) => {
    const made = secret ? { id: 'r', secret: { name: secret, value: 's' }, url: 'all' } : null;
    return addressOf(of, made).fields.map(({ name, value }) => `${name}: ${value}`);
  };

  it('has what is secret only where that has just been said', () => {
    expect(names(source('WHIP'))).toEqual(['Server: there']);
    expect(names(source('WHIP'), 'Bearer token')).toEqual(['Server: all', 'Bearer token: s']);
    expect(names(source('SRT'))).toEqual(['Address: there']);
    expect(names(source('SRT'), 'Passphrase')).toEqual([
      'Address: all',
      'Stream id: r',
      'Passphrase: s',
    ]);
    expect(names(source('DESKTOP'))).toEqual(['Address: there']);
  });

  it('says by which address a source of RTP is known', () => {
    const words = (stream: string) =>
      addressOf(source('RAW', { device: '192.0.2.7', stream }), null).words;
    expect(words('6000/6002')).toContain(
      'from 192.0.2.7, port 6000 for its picture and 6002 for its sound.',
    );
    expect(words('6000/0')).toContain('from 192.0.2.7, port 6000 for its picture.');
    expect(words('6000/6000')).toContain('from 192.0.2.7, port 6000.');
  });
});

describe('SourcesApi', () => {
  function server(answer: unknown) {
    const call = vi.fn(async () => answer);
    const ask = vi.fn(async () => answer);
    const api = new SourcesApi({ call: call as never }, 'TOKEN', ask as never);
    return { api, call, ask };
  }

  it('registers each kind as the server wants it, and gives back what is said once', async () => {
    const whip = server({ id: 'r', token: 'secret', url: 'http://x/start/live/whip/f/d/1' });
    expect(await whip.api.register('f', { ...NEW, name: ' A cam ' })).toEqual({
      id: 'r',
      secret: { name: 'Bearer token', value: 'secret' },
      url: 'http://x/start/live/whip/f/d/1',
    });
    const data = { project_id: 'f', name: 'A cam', description: '' };
    expect(whip.call).toHaveBeenCalledWith('/create/live/registration/whip', data, 'TOKEN');

    const srt = server({ id: 'r', token: 'secret', url: 'srt://x' });
    expect((await srt.api.register('f', { ...NEW, kind: 'srt' })).secret?.name).toBe('Passphrase');

    const raw = server({ asset_id: 'a' });
    expect(await raw.api.register('f', RAW)).toEqual({ id: 'a', secret: null, url: null });
    expect(raw.call).toHaveBeenCalledWith(
      '/create/live/registration/raw',
      {
        project_id: 'f',
        asset_name: 'A cam',
        source_ip: '192.0.2.7',
        video_port: 6000,
        audio_port: 0,
      },
      'TOKEN',
    );
  });

  it('asks for slates and declares over the WebSocket', async () => {
    const slate = server({ id: 'r', slate: true });
    expect(await slate.api.setSlate('r', true)).toBe(true);
    expect(slate.ask).toHaveBeenCalledWith('TOKEN', 'rushes/live/slate', { id: 'r', on: true });
    const declared = { video: H264, audio: null };
    const declaring = server({ id: 'r', declared });
    expect(await declaring.api.declare('r', 'v=0')).toEqual(declared);
    const asked = { id: 'r', sdp: 'v=0' };
    expect(declaring.ask).toHaveBeenCalledWith('TOKEN', 'rushes/live/declare', asked);
  });
});
