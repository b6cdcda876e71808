// Encoders as they stand on a set: ffmpeg, which sends a picture with a frame number and a flash, and a tone with a beep.
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripCells, type FrameSource } from './frameStrip.ts';
import { FPS } from './room.ts';

/** The picture is as large as the page reads it, so that scaling blurs nothing. */
const WIDTH = 320;
const HEIGHT = 180;
/** After so many frames the picture begins anew: a whole number of seconds, so that flash and beep stay together. */
export const LOOP = 60 * FPS;
/** The flash and the beep begin with each full second, and last three frames. */
const FLASH_FRAMES = 3;
/** The pitch of the beep. What is looked for as a tone is lower. */
const BEEP_HZ = 3000;
const SECONDS_OF_BEEP = FLASH_FRAMES / FPS;

const [BLACK, WHITE, GREY] = [16, 235, 60];
const H264 = '-c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline -bf 0 -sc_threshold 0'.split(' ');
const AAC = '-c:a aac -b:a 128k -ar 48000 -ac 2'.split(' ');

/** A frame of the picture: its strip, and white above it where it flashes. */
function draw(frame: number, source: FrameSource): Buffer {
  const picture = Buffer.alloc((WIDTH * HEIGHT * 3) / 2, 128);
  const flash = frame % FPS < FLASH_FRAMES;
  picture.fill(flash ? WHITE : GREY, 0, WIDTH * 150);
  picture.fill(BLACK, WIDTH * 150, WIDTH * HEIGHT);
  const cell = WIDTH / 40;
  stripCells({ source, frame }).forEach((bit, n) => {
    for (let y = 158; y < 170 && bit; y += 1) {
      const left = y * WIDTH + (4 + n) * cell;
      picture.fill(WHITE, left, left + cell);
    }
  });
  return picture;
}

/** The sound, without an end: a tone, and the beep on top of it. */
function sound(hertz: number): string {
  const beep = `0.5*sin(2*PI*${BEEP_HZ}*t)*lt(mod(t\\,1)\\,${SECONDS_OF_BEEP})`;
  return `aevalsrc=0.1*sin(2*PI*${hertz}*t)+${beep}:s=48000:c=mono`;
}

/** Waits until a process has ended; what it wrote is in the error if it did not end well. */
async function ends(child: ChildProcess, what: string): Promise<void> {
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${what} ended with ${code}\n${log}`);
}

/** A running ffmpeg, which is ended by its process id. */
class Encoder {
  private readonly child: ChildProcess;
  private log = '';

  constructor(args: string[]) {
    this.child = spawn('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'warning', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr!.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    this.child.on('error', (error) => (this.log += String(error)));
  }

  /** What it had to say; nothing when all is well. */
  output(): string {
    return this.log;
  }

  async end(): Promise<void> {
    if (this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

/** Makes pictures once for all tests of a file, and the encoders that send them. */
export class Encoders {
  private folder?: string;
  private running: Encoder[] = [];

  /** Encodes a minute of picture beforehand, so that to send it is hardly any work for a machine that is also watched on. */
  async prepare(...sources: FrameSource[]): Promise<void> {
    this.folder ??= mkdtempSync(join(tmpdir(), 'rushes-encoders-'));
    for (const source of sources) {
      const raw = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${WIDTH}x${HEIGHT}`, '-r', `${FPS}`, '-i', 'pipe:0'];
      const args = ['-hide_banner', '-loglevel', 'error', ...raw, ...H264, '-g', `${FPS}`, this.picture(source)];
      const child = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'pipe'] });
      const ended = ends(child, 'making a picture');
      for (let frame = 0; frame < LOOP; frame += 1) {
        if (!child.stdin!.write(draw(frame, source))) await Promise.race([once(child.stdin!, 'drain'), ended]);
      }
      child.stdin!.end();
      await ended;
    }
  }

  private picture(source: FrameSource): string {
    return join(this.folder!, `${source}.mp4`);
  }

  private start(source: FrameSource, hertz: number, outputs: string[]): Encoder {
    const picture = ['-stream_loop', '-1', '-re', '-i', this.picture(source)];
    const encoder = new Encoder([...picture, '-re', '-f', 'lavfi', '-i', sound(hertz), ...outputs]);
    this.running.push(encoder);
    return encoder;
  }

  /** Sends to an SRT address. */
  srt(url: string, source: FrameSource, hertz: number): Encoder {
    return this.start(source, hertz, ['-map', '0:v', '-map', '1:a', '-c:v', 'copy', ...AAC, '-f', 'mpegts', url]);
  }

  /** Sends plain RTP from these ports, and its reports from the ports above. */
  rtp(to: string, from: Ports, source: FrameSource, hertz: number): Encoder {
    const url = (port: number): string => `${to}?localrtpport=${port}&localrtcpport=${port + 1}`;
    // There are no parameter sets in an MP4's packets: the filter puts them before each key frame.
    const picture = ['-map', '0:v', '-c:v', 'copy', '-bsf:v', 'h264_mp4toannexb', '-f', 'rtp', url(from.video)];
    return this.start(source, hertz, [...picture, '-map', '1:a', ...AAC, '-f', 'rtp', url(from.audio)]);
  }

  /** Ends all that send; gives back what they had to say. */
  async stop(): Promise<string> {
    const ended = this.running;
    this.running = [];
    await Promise.all(ended.map((encoder) => encoder.end()));
    return ended.map((encoder) => encoder.output()).join('');
  }

  async end(): Promise<void> {
    await this.stop();
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Where an encoder sends RTP from. */
export interface Ports {
  video: number;
  audio: number;
}

/** Two ports with the one above each, which nobody has at the moment. */
export async function freePorts(): Promise<Ports> {
  const held: Socket[] = [];
  const bind = async (port: number): Promise<number | null> => {
    const socket = createSocket('udp4');
    const bound = once(socket, 'listening').then(() => socket.address().port, () => null);
    socket.bind(port, '127.0.0.1');
    held.push(socket);
    return bound;
  };
  const pair = async (): Promise<number> => {
    for (;;) {
      const low = await bind(0);
      if (low !== null && low < 65535 && (await bind(low + 1)) !== null) return low;
    }
  };
  const ports = { video: await pair(), audio: await pair() };
  for (const socket of held) {
    // One that could not be bound is closed already.
    await new Promise<void>((done) => {
      try {
        socket.close(done);
      } catch {
        done();
      }
    });
  }
  return ports;
}
