/** What is drawn beside the line: events, checkpoints, and the points that a resumed run left behind. */

import type uPlot from "uplot";
import type { Checkpoint, RunEvent } from "./messages";
import type { Track } from "./points";
import type { Palette } from "./theme";

const MOST_LINES = 8;

/** Dashed and faint: these steps were trained twice, and only the later ones count. */
export function drawSuperseded(plot: uPlot, track: Track, colors: Palette): void {
  const steps = track.oldSteps.view();
  const values = track.oldValues.view();
  clipped(plot, (context) => {
    dashed(context, withAlpha(colors.muted, 0.55));
    context.beginPath();
    let drawn = -Infinity;
    steps.forEach((step, index) => {
      const [x, y] = [plot.valToPos(step, "x", true), plot.valToPos(values[index]!, "y", true)];
      // One point a pixel is all that a faint line can show of a long run.
      if (!Number.isFinite(y) || Math.abs(x - drawn) < 1) return;
      drawn = x;
      // Each resume begins a stretch of its own.
      if (index === 0 || step <= steps[index - 1]!) context.moveTo(x, y);
      else context.lineTo(x, y);
    });
    context.stroke();
  });
}

/** Checkpoints are dots on the curve and the end is the end: what else happened is marked on the axis. */
function marked(events: readonly RunEvent[]): readonly RunEvent[] {
  return events.filter((event) => event.kind !== "checkpoint" && event.kind !== "completed");
}

export function drawEventLines(plot: uPlot, events: readonly RunEvent[], colors: Palette): void {
  const lined = marked(events);
  if (lined.length > MOST_LINES) return; // the marks on the axis say it; so many lines would hide the curve
  clipped(plot, (context) => {
    for (const event of lined) {
      const x = Math.round(plot.valToPos(event.step, "x", true)) + 0.5;
      dashed(context, withAlpha(tone(event.kind, colors), 0.45));
      context.beginPath();
      context.moveTo(x, plot.bbox.top);
      context.lineTo(x, plot.bbox.top + plot.bbox.height);
      context.stroke();
    }
  });
}

export function drawEventMarks(plot: uPlot, events: readonly RunEvent[], colors: Palette): void {
  const size = 4 * devicePixelRatio;
  const floor = plot.bbox.top + plot.bbox.height;
  clipped(plot, (context) => {
    for (const event of marked(events)) {
      const x = plot.valToPos(event.step, "x", true);
      context.fillStyle = tone(event.kind, colors);
      context.beginPath();
      context.moveTo(x - size, floor);
      context.lineTo(x + size, floor);
      context.lineTo(x, floor - size * 1.6);
      context.fill();
    }
  });
}

/** A ring on the line for each checkpoint, a full dot for the best. */
export function drawCheckpoints(
  plot: uPlot,
  checkpoints: readonly Checkpoint[],
  valueAt: (step: number) => number | undefined,
  colors: Palette,
): void {
  clipped(plot, (context) => {
    for (const checkpoint of checkpoints) {
      const value = valueAt(checkpoint.step);
      if (value === undefined) continue;
      context.beginPath();
      context.arc(plot.valToPos(checkpoint.step, "x", true), plot.valToPos(value, "y", true), 4 * devicePixelRatio, 0, Math.PI * 2);
      context.fillStyle = checkpoint.isBest ? colors.good : colors.surface;
      context.strokeStyle = checkpoint.isBest ? colors.good : colors.line;
      context.lineWidth = 1.5 * devicePixelRatio;
      context.fill();
      context.stroke();
    }
  });
}

export function withAlpha(color: string, alpha: number): string {
  const channels = color.match(/[\d.]+/g)?.slice(0, 3).join(", ");
  return channels ? `rgba(${channels}, ${alpha})` : color;
}

function tone(kind: string, colors: Palette): string {
  if (/nan|error|fail|spike/i.test(kind)) return colors.bad;
  if (/pause|resume|set|cancel|stop|interrupt/i.test(kind)) return colors.warn;
  return colors.muted;
}

function dashed(context: CanvasRenderingContext2D, color: string): void {
  context.strokeStyle = color;
  context.lineWidth = devicePixelRatio;
  context.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
}

/** Draws within the plot and a mark's width beside it, and leaves uPlot's context as it was. */
function clipped(plot: uPlot, draw: (context: CanvasRenderingContext2D) => void): void {
  const { ctx, bbox } = plot;
  const beside = 6 * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left - beside, bbox.top, bbox.width + 2 * beside, bbox.height);
  ctx.clip();
  draw(ctx);
  ctx.restore();
}
