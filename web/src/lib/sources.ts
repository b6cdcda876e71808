/** Live sources: among the assets of a folder or a room, and as they are registered in a folder. */
import { ApiPart, type Api, type Asset } from './api';
import type { Layout } from './composite';
import { askOnce, socketUrl } from './socket';

/** Whether an asset is a live source, also one that nobody publishes at the moment. */
export function isSource(asset: Pick<Asset, 'is_live' | 'subtype'>): boolean {
  return asset.is_live === true || asset.subtype === 'STREAMING';
}

/** What people read beside its name. */
export function sourceLabel(asset: Pick<Asset, 'is_live'>): string {
  return asset.is_live ? 'Live source' : 'Live source, away';
}

/** A track of plain RTP as the server understood what is declared of it. */
export interface DeclaredTrack {
  payload_type: number;
  /** The encoding's name, as it is registered for RTP. */
  encoding_name: string;
  /** Ticks of its timestamps in a second. */
  clock_rate: number;
  /** What it carries, in words. */
  codec: string;
  /** Samples a second, of sound. */
  sample_rate?: number;
  /** Channels, of sound. */
  channels?: number;
  /** Whether parameter sets are declared, of a picture. */
  parameter_sets?: boolean;
}

export interface Declared {
  video: DeclaredTrack | null;
  audio: DeclaredTrack | null;
}

/** What the server says of a source beside its name. What does not go with its kind is not there. */
export interface SourceDetails {
  asset_id?: string | null;
  device?: string;
  stream?: string;
  problems?: string[];
  /** How a composite is arranged. */
  layout?: Partial<Layout> | null;
  /** Whether a slate is shown while it is away. */
  slate?: boolean;
  /** What it is declared to send, where it sends plain RTP. */
  declared?: Declared | null;
  video?: { codec: string; width: number | null; height: number | null; fps: number } | null;
  audio?: { channels: number } | null;
  transcode?: {
    cause: 'B_FRAMES' | 'H265' | 'VP8' | 'VP9' | 'AV1';
    state: 'STARTING' | 'RUNNING' | 'READY' | 'REFUSED';
  } | null;
}

/** A live source of a folder, as `/list/live/registrations` says. */
export interface Source {
  id: string;
  name: string;
  description: string | null;
  type: string;
  status: string | null;
  last_connected?: string | null;
  /** Where it is published to, without what is secret of that. */
  registration_data?: string | null;
  additional_details: SourceDetails | null;
}

const KINDS: Readonly<Record<string, string>> = {
  RAW: 'RTP',
  DESKTOP: 'Screen',
  ELEMENTALLINK: 'Elemental Link',
  COMPOSITE: 'Composite',
};

/** What kind of a source it is, in words. */
export function kindOf(source: Pick<Source, 'type'>): string {
  return KINDS[source.type] ?? source.type;
}

/** What a source does at the moment. */
export function stateOf(source: Pick<Source, 'status' | 'last_connected'>): {
  kind: 'live' | 'connecting' | 'stopped' | 'away';
  label: string;
} {
  switch (source.status) {
    case 'LIVE':
      return { kind: 'live', label: 'Live' };
    case 'CONNECTING':
      return { kind: 'connecting', label: 'Connecting' };
    case 'STOPPED':
      return { kind: 'stopped', label: 'Stopped' };
    default:
      return { kind: 'away', label: source.last_connected ? 'Away' : 'Not seen yet' };
  }
}

const CODECS: Readonly<Record<string, string>> = { H264: 'H.264', H265: 'H.265' };
const CHANNELS = ['', 'mono', 'stereo', '3 channels', '4 channels', '5 channels', '5.1'];

function channelsInWords(channels: number | undefined): string {
  return channels ? (CHANNELS[channels] ?? `${channels} channels`) : '';
}

/** What comes of a source, in a few words; nothing while nothing does. */
export function mediaInWords(details: SourceDetails | null): string {
  const { video, audio } = details ?? {};
  const parts = [];
  if (video?.width && video.height) parts.push(`${video.width} × ${video.height}`);
  if (video) {
    // It is measured over three seconds, and never quite the same.
    if (video.fps) parts.push(`${Math.round(video.fps)} fps`);
    parts.push(CODECS[video.codec] ?? video.codec);
  }
  if (audio) parts.push(channelsInWords(audio.channels));
  return parts.filter(Boolean).join(' · ');
}

/** What every browser takes: that it would be converted for others is no news. */
const TAKEN_BY_ALL: readonly string[] = ['VP8', 'VP9'];

/** That a picture is converted, and why; that it is not is among its problems. */
export function conversionInWords(details: SourceDetails | null): string | null {
  const transcode = details?.transcode;
  if (!transcode || transcode.state === 'REFUSED') return null;
  if (transcode.cause === 'B_FRAMES') return 'B-frames: converted for browsers';
  const codec = CODECS[transcode.cause] ?? transcode.cause;
  if (transcode.state === 'RUNNING') return `${codec}: converted for those who do not take it`;
  if (TAKEN_BY_ALL.includes(transcode.cause)) return null;
  return `${codec}: converted as soon as somebody needs it`;
}

function hertz(rate: number): string {
  return `${rate / 1000} kHz`;
}

const letters = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** What a track is declared to be: how it is encoded, and what people want to know it by. */
export function trackInWords(track: DeclaredTrack): string {
  const { encoding_name: name, codec } = track;
  const same = letters(codec).startsWith(letters(name));
  const parts = [same ? codec : `${codec} as ${name}`];
  // The rate of its timestamps stands for that of the sound, where there is no other.
  if (track.channels !== undefined) {
    parts.push(hertz(track.sample_rate ?? track.clock_rate), channelsInWords(track.channels));
  }
  if (track.parameter_sets) parts.push('with its parameter sets');
  parts.push(`payload type ${track.payload_type}`);
  return parts.join(', ');
}

/** All that is declared, in a line. */
export function declaredInWords(declared: Declared): string {
  const names = [declared.video, declared.audio].map((track) =>
    track ? [track.codec, channelsInWords(track.channels)].filter(Boolean).join(' ') : null,
  );
  return names.filter(Boolean).join(' and ');
}

/** The longest SDP that the server reads, in bytes. */
export const SDP_MOST = 16 * 1024;

/**
 * The SDP in what somebody pasted. What ffmpeg prints before and behind it goes: lines that are not of a letter, an equals
 * sign and a value. Where there is none the text stays as it is, for the server to say what is wrong with it.
 */
export function sdpIn(text: string): string {
  const lines = text.split(/\r?\n|\r/).map((line) => line.trim());
  const begin = lines.indexOf('v=0');
  if (begin < 0) return text.trim();
  const rest = lines.slice(begin).filter(Boolean);
  const end = rest.findIndex((line) => !/^[a-z]=/.test(line));
  return `${(end < 0 ? rest : rest.slice(0, end)).join('\n')}\n`;
}

/**
 * The text of a file that is to be an SDP.
 *
 * @throws {Error} if it is longer than any, in words
 */
export async function sdpOf(file: Pick<File, 'name' | 'size' | 'text'>): Promise<string> {
  if (file.size > SDP_MOST) throw new Error(`${file.name} is longer than any SDP: 16 KiB at most.`);
  return sdpIn(await file.text());
}

/** How a source publishes that is registered in the page. */
export type NewKind = 'whip' | 'srt' | 'raw';

/** What somebody says of a new source. */
export interface NewSource {
  kind: NewKind;
  name: string;
  slate: boolean;
  /** Where a source of plain RTP sends from; a port that is empty has no track. */
  address: string;
  videoPort: string;
  audioPort: string;
}

/** A port as it was typed: 0 where there is none, null where it is no port. */
export function portOf(text: string): number | null {
  const typed = text.trim();
  if (typed === '') return 0;
  const port = /^\d{1,5}$/.test(typed) ? Number(typed) : 0;
  return port >= 1 && port <= 65535 ? port : null;
}

/** What is still missing of a new source, in words; null if nothing is. */
export function missingOf(source: NewSource): string | null {
  if (source.name.trim() === '') return 'It needs a name.';
  if (source.kind !== 'raw') return null;
  if (source.address.trim() === '') return 'It needs the address that it sends from.';
  const ports = [portOf(source.videoPort), portOf(source.audioPort)];
  if (ports.includes(null)) return 'A port is a number from 1 to 65535.';
  if (ports.every((port) => port === 0)) return 'It needs a port for its picture or its sound.';
  return null;
}

/** A source that has just been registered. */
export interface Made {
  /** Its own id or that of its asset. */
  id: string;
  /** What an encoder has to be given beside the address, which the server says this once. */
  secret: { name: string; value: string } | null;
  /** The address with everything in it. */
  url: string | null;
}

/** Where a source publishes to: in words what is said of it, and what an encoder is given. */
export interface Address {
  words: string;
  fields: { name: string; value: string; testid: string }[];
}

/** The address of a source, with what is secret of it where that is said now. */
export function addressOf(source: Source, made: Made | null): Address {
  const url = made?.url ?? source.registration_data ?? '';
  const address = { name: 'Address', value: url, testid: 'source-address' };
  const secret = made?.secret;
  const once = secret ? [{ name: secret.name, value: secret.value, testid: 'source-secret' }] : [];
  const named = secret?.name.toLowerCase();
  switch (source.type) {
    case 'WHIP':
      return {
        words: named
          ? `Give these two to the encoder now: the ${named} is shown this once.`
          : 'The encoder publishes to this address, with the bearer token that was shown when the source was registered.',
        fields: [{ ...address, name: 'Server' }, ...once],
      };
    case 'SRT':
    case 'ELEMENTALLINK': {
      const stream = { name: 'Stream id', value: source.id, testid: 'source-stream' };
      return {
        words: named
          ? `Give this to the encoder now: the ${named} is shown this once. The address has all of it; below it stands by itself.`
          : 'The encoder calls this address, with the passphrase that was shown when the source was registered.',
        fields: named ? [address, stream, ...once] : [address],
      };
    }
    case 'RAW':
      return {
        words: `The encoder sends to this address, from ${originOf(source)}. By that it is known.`,
        fields: [address],
      };
    default:
      return {
        words: 'Who may upload into this folder publishes to this address, with their own token.',
        fields: [address],
      };
  }
}

/** Where a source of plain RTP sends from: its device is its address, its stream both ports. */
function originOf(source: Source): string {
  const { device = '', stream = '' } = source.additional_details ?? {};
  const [video, audio] = stream.split('/');
  if (video === audio) return `${device}, port ${video}`;
  const ports = [
    video && video !== '0' ? `${video} for its picture` : '',
    audio && audio !== '0' ? `${audio} for its sound` : '',
  ].filter(Boolean);
  return `${device}, port ${ports.join(' and ')}`;
}

type Ask = <T>(token: string, endpoint: string, data: object) => Promise<T>;

const overWebSocket: Ask = (token, endpoint, data) =>
  askOnce({ url: socketUrl(location), token }, endpoint, data);

/** The calls about the live sources of a folder. */
export class SourcesApi extends ApiPart {
  readonly #ask: Ask;

  /** `ask` is for what the server answers over a WebSocket alone. */
  constructor(api: Pick<Api, 'call'>, token: string, ask: Ask = overWebSocket) {
    super(api, token);
    this.#ask = ask;
  }

  /** All live sources of a folder, composites among them. */
  sources(folder: string): Promise<Source[]> {
    return this.call('/list/live/registrations', { project_id: folder });
  }

  /** Registers a source. */
  async register(folder: string, source: NewSource): Promise<Made> {
    const name = source.name.trim();
    if (source.kind === 'raw') {
      const made = await this.call<{ asset_id: string }>('/create/live/registration/raw', {
        project_id: folder,
        asset_name: name,
        source_ip: source.address.trim(),
        video_port: portOf(source.videoPort),
        audio_port: portOf(source.audioPort),
      });
      return { id: made.asset_id, secret: null, url: null };
    }
    const data = { project_id: folder, name, description: '' };
    const made = await this.call<{ id: string; token: string; url: string }>(
      `/create/live/registration/${source.kind}`,
      data,
    );
    const secret = source.kind === 'srt' ? 'Passphrase' : 'Bearer token';
    return { id: made.id, secret: { name: secret, value: made.token }, url: made.url };
  }

  /** Has a slate shown while a source is away, or not. The id is its own or that of its asset. */
  async setSlate(id: string, on: boolean): Promise<boolean> {
    const answer = await this.#ask<{ slate: boolean }>(this.token, 'rushes/live/slate', { id, on });
    return answer.slate;
  }

  /** Declares what a source of plain RTP sends, by an SDP or not at all, and says what was understood. */
  async declare(id: string, sdp: string | null): Promise<Declared | null> {
    const endpoint = 'rushes/live/declare';
    type Answer = { declared: Declared | null };
    return (await this.#ask<Answer>(this.token, endpoint, { id, sdp })).declared;
  }

  delete(id: string): Promise<unknown> {
    return this.call('/delete/live/registration', { id });
  }
}
