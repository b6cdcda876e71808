/** Microphones and cameras, and what to say when there is none to be had. */

export type DeviceKind = 'microphone' | 'camera';

export interface DeviceChoice {
  id: string;
  label: string;
}

/** What this module needs of `navigator.mediaDevices`. */
export type Devices = Pick<MediaDevices, 'getUserMedia' | 'enumerateDevices'>;

/** Why a device cannot be used, in words for the person in front of the page. */
export class DeviceError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DeviceError';
  }
}

/** Small enough for tiles; the browser makes the smaller layer from it. */
const PICTURE = {
  width: { ideal: 640 },
  height: { ideal: 360 },
  frameRate: { ideal: 24, max: 30 },
};
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

const INSECURE =
  'Browsers give microphone and camera to secure pages only. Open Rushes by an https:// address; ' +
  'on the machine that it runs on, http://localhost works too.';

/** The browser's error in words. */
export function inWords(kind: DeviceKind, error: unknown): string {
  switch ((error as { name?: string } | null)?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return `The browser was not allowed to use the ${kind}. Allow it beside the address of the page, and try again.`;
    case 'NotFoundError':
    case 'OverconstrainedError':
      return `No ${kind} was found. Plug one in, or choose another one.`;
    case 'NotReadableError':
    case 'AbortError':
      return `The ${kind} does not start. Perhaps another program is using it.`;
    default:
      return `The ${kind} cannot be used.`;
  }
}

/**
 * Opens a microphone or a camera; the one of that id if it is still there.
 *
 * @throws {DeviceError} if it cannot be had
 */
export async function openDevice(
  kind: DeviceKind,
  id: string | null,
  devices: Devices | undefined = globalThis.navigator?.mediaDevices,
): Promise<MediaStreamTrack> {
  if (!devices) throw new DeviceError(INSECURE);
  const wanted = {
    ...(kind === 'camera' ? PICTURE : SOUND),
    ...(id && { deviceId: { ideal: id } }),
  };
  try {
    const stream = await devices.getUserMedia(
      kind === 'camera' ? { video: wanted } : { audio: wanted },
    );
    const track = stream.getTracks()[0];
    if (!track) throw new DeviceError(inWords(kind, { name: 'NotFoundError' }));
    if (kind === 'camera') track.contentHint = 'motion';
    return track;
  } catch (error) {
    if (error instanceof DeviceError) throw error;
    throw new DeviceError(inWords(kind, error), { cause: error });
  }
}

/** The devices there are. Before the person has allowed any, browsers tell no names. */
export async function listDevices(
  kind: DeviceKind,
  devices: Devices | undefined = globalThis.navigator?.mediaDevices,
): Promise<DeviceChoice[]> {
  if (!devices) return [];
  const wanted = kind === 'camera' ? 'videoinput' : 'audioinput';
  const all = await devices.enumerateDevices();
  return all
    .filter((device) => device.kind === wanted && device.deviceId)
    .map((device, at) => ({ id: device.deviceId, label: device.label || `${kind} ${at + 1}` }));
}
