/** The sound of a room's pictures. */
export class Sound {
  #videos: readonly HTMLVideoElement[] = [];
  #spare: () => HTMLVideoElement | null = () => null;
  muted = $state(false);
  /** True if it is the browser that keeps the sound off, until the person touches the page. */
  blocked = $state(false);
  volume = $state(1);
  #liveHushed = false;

  /** The last of the videos is the live source's. `spare` is the one that is silent at any rate, because nobody sees it. */
  attach(videos: readonly HTMLVideoElement[], spare: () => HTMLVideoElement): void {
    this.#videos = videos;
    this.#spare = spare;
  }

  /** The browser did not let sound start. */
  block(): void {
    this.muted = true;
    this.blocked = true;
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    this.blocked = false;
    this.#apply();
  }

  /** Keeps the live source silent, whatever the person has chosen. */
  hushLive(hushed: boolean): void {
    this.#liveHushed = hushed;
    this.#apply();
  }

  setVolume(volume: number): void {
    this.volume = volume;
    for (const video of this.#videos) video.volume = volume;
    this.setMuted(volume === 0);
  }

  #apply(): void {
    const silent = [this.#spare(), this.#liveHushed ? this.#videos.at(-1) : null];
    for (const video of this.#videos) video.muted = this.muted || silent.includes(video);
  }
}
