import { describe, expect, it } from 'vitest';
import { playsSurround, withSurround } from './surround';

const CHROMIUM =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0';

const lines = (...all: string[]) => [...all, ''].join('\r\n');

describe('sound of six channels', () => {
  it('is asked for where the browser decodes it and the device plays it', () => {
    const of = (userAgent: string, count: number) =>
      playsSurround({ userAgent, channels: () => count });
    expect([of(CHROMIUM, 6), of(CHROMIUM, 8), of(CHROMIUM, 2)]).toEqual([true, true, false]);
    expect(of(CHROMIUM.replace('Chrome', 'HeadlessChrome'), 6)).toBe(true);
    expect(of(FIREFOX, 6)).toBe(false);
    const channels = () => {
      throw new DOMException('no device');
    };
    expect(playsSurround({ userAgent: CHROMIUM, channels })).toBe(false);
    expect(playsSurround(), 'there is no sound here').toBe(false);
  });

  it('is put into the section of the sound, under a payload type that nothing else has', () => {
    const offer = lines(
      'v=0',
      'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
      'a=rtpmap:96 VP8/90000',
      'a=rtpmap:97 rtx/90000',
      'm=audio 9 UDP/TLS/RTP/SAVPF 111 63',
      'a=mid:1',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 minptime=10',
      'a=rtpmap:63 red/48000/2',
    );
    expect(withSurround(offer)).toBe(
      lines(
        'v=0',
        'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
        'a=rtpmap:96 VP8/90000',
        'a=rtpmap:97 rtx/90000',
        'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 98',
        'a=mid:1',
        'a=rtpmap:98 multiopus/48000/6',
        'a=fmtp:98 channel_mapping=0,1,4,5,2,3;coupled_streams=2;num_streams=4',
        'a=rtpmap:111 opus/48000/2',
        'a=fmtp:111 minptime=10',
        'a=rtpmap:63 red/48000/2',
      ),
    );
  });

  it('takes a payload type below where those above are in use, and is left out where none is free', () => {
    const sound = ['m=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=rtpmap:111 opus/48000/2'];
    const all = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, at) => `a=rtpmap:${from + at} VP8/90000`);
    const above = lines(...sound, ...all(96, 110), ...all(112, 127));
    expect(withSurround(above)).toContain('SAVPF 111 35\r\na=rtpmap:35 multiopus/48000/6\r\n');
    const full = lines(...sound, ...all(96, 110), ...all(112, 127), ...all(35, 63));
    expect(withSurround(full)).toBe(full);
    const silent = lines('v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=rtpmap:96 VP8/90000');
    expect(withSurround(silent)).toBe(silent);
  });
});
