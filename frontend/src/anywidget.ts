/** The same views as anywidget modules: for VS Code, Colab, Notebook, and inside ipywidgets' boxes. */

import { Frame } from "./frame";
import type { KernelMessage, Payload } from "./messages";
import { clientId } from "./session";
import type { View } from "./stage";

/** The part of anywidget's model that we use. */
interface Model {
  get(name: string): unknown;
  send(content: object): void;
  on(event: string, callback: (...values: never[]) => void): void;
  off(event: string, callback: (...values: never[]) => void): void;
}

interface RenderContext {
  model: Model;
  el: HTMLElement;
}

export interface Widget {
  render(context: RenderContext): () => void;
}

export function anywidget<D>(view: View<D>): Widget {
  return {
    render({ model, el }) {
      const frame = new Frame(el, view as View<never>, model.get("payload") as Payload);
      const receive = frame.attach({ send: (message) => model.send(message) });
      const onMessage = (message: KernelMessage, buffers: DataView[]): void => receive(message, buffers);
      const onPayload = (): void => frame.saved(model.get("payload") as Payload);
      const onClose = (): void => frame.detach();
      model.on("msg:custom", onMessage);
      model.on("change:payload", onPayload);
      model.on("comm:close", onClose);
      model.send({ type: "open", clientId: clientId() });
      return () => {
        model.off("msg:custom", onMessage);
        model.off("change:payload", onPayload);
        model.off("comm:close", onClose);
        frame.dispose();
      };
    },
  };
}
