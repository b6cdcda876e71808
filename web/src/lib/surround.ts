/**
 * Sound of six channels (5.1) over WebRTC. Chromium decodes it, as "multiopus", and does not say so: it has to be put
 * into the offer. No other browser knows it.
 */

/** What this module needs of its surroundings, so that tests can stand in for them. */
export interface Ears {
  userAgent: string;
  /** The most channels that the output device has. */
  channels: () => number;
}

const CHANNELS = 6;
/**
 * The packets have four streams: both in front, both behind, the centre, low frequencies. This is for each channel, in the
 * order that browsers have them (left, right, centre, low frequencies, both behind), where it is among those.
 */
const FORMAT = 'channel_mapping=0,1,4,5,2,3;coupled_streams=2;num_streams=4';

function ears(): Ears {
  return {
    userAgent: navigator.userAgent,
    channels: () => {
      const context = new AudioContext();
      const { maxChannelCount } = context.destination;
      void context.close();
      return maxChannelCount;
    },
  };
}

/** Whether six channels would be decoded, and heard as more than two. */
export function playsSurround(around?: Ears): boolean {
  try {
    const { userAgent, channels } = around ?? ears();
    return /Chrom(e|ium)\//.test(userAgent) && channels() >= CHANNELS;
  } catch {
    // No sound at all, or no more contexts: then two channels.
    return false;
  }
}

/** Asks for six channels besides two; leaves an offer as it is that has no Opus, or no payload type to spare. */
export function withSurround(sdp: string): string {
  const opus = /^a=rtpmap:(\d+) opus\/48000\/2\r?\n/im.exec(sdp);
  const type = freeType(sdp);
  if (!opus || type === null) return sdp;
  const six = `a=rtpmap:${type} multiopus/48000/${CHANNELS}\r\na=fmtp:${type} ${FORMAT}\r\n`;
  const at = opus.index;
  const section = sdp.lastIndexOf('m=audio ', at);
  const line = sdp.slice(section).search(/\r?\n/) + section;
  return `${sdp.slice(0, line)} ${type}${sdp.slice(line, at)}${six}${sdp.slice(at)}`;
}

/** A dynamic payload type that nothing else has: all sections go over one transport. */
function freeType(sdp: string): number | null {
  const used = new Set([...sdp.matchAll(/^a=rtpmap:(\d+) /gm)].map(([, type]) => Number(type)));
  const free = (from: number, to: number): number | null => {
    for (let type = from; type <= to; type += 1) if (!used.has(type)) return type;
    return null;
  };
  // RFC 3551, 6, and those that RFC 5761, 4, leaves below.
  return free(96, 127) ?? free(35, 63);
}
