/** The renderer of our MIME type in JupyterLab: the saved data at once, the live object as soon as its kernel confirms it. */

import type { ISessionContext } from "@jupyterlab/apputils";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { Widget } from "@lumino/widgets";
import { h } from "./dom";
import { Frame } from "./frame";
import { LabLink } from "./lab_link";
import { MIME, type Payload } from "./messages";
import { readPayload, viewOf } from "./views";

export class LabRenderer extends Widget implements IRenderMime.IRenderer {
  private frame: Frame | undefined;
  private link: LabLink | undefined;
  private drawn: Payload | undefined;

  /** Without a session (a preview, a place with no kernel) the saved data is all there is. */
  constructor(private readonly context: ISessionContext | undefined) {
    super();
    this.addClass("mc-renderer");
  }

  /** Lab calls this again on the same node when the output is updated: a view of the same object stays as it is. */
  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const payload = readPayload(model.data[MIME]);
    const view = viewOf(payload?.view);
    if (!payload || !view) {
      this.clear();
      this.node.append(h("p", {}, "This output can't be drawn: it isn't what this version of modelcypher_nb writes. Run its cell again."));
      return Promise.resolve();
    }
    if (this.frame && this.drawn?.id === payload.id && this.drawn.nonce === payload.nonce && this.drawn.view === payload.view) {
      this.frame.saved(payload);
      return Promise.resolve();
    }
    this.clear();
    this.drawn = payload;
    this.frame = new Frame(this.node, view, payload);
    if (this.context) this.link = new LabLink(this.context, this.frame, payload);
    return Promise.resolve();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.clear();
    super.dispose();
  }

  private clear(): void {
    this.link?.dispose();
    this.frame?.dispose();
    this.link = undefined;
    this.frame = undefined;
    this.node.replaceChildren();
  }
}
