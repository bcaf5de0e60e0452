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
      let receive: ReturnType<Frame["attach"]> = () => {};
      const send = (message: object): void => {
        try {
          model.send(message);
        } catch {
          // A closed comm throws: its kernel is gone, and the view falls back to what it has.
          frame.detach();
        }
      };
      const connect = (): void => {
        receive = frame.attach({ send });
        send({ type: "open", clientId: clientId() });
      };
      const listeners: [string, (...values: never[]) => void][] = [
        ["msg:custom", (message: KernelMessage, buffers: DataView[]) => receive(message, buffers)],
        ["change:payload", () => frame.saved(model.get("payload") as Payload)],
        ["comm:close", () => frame.detach()],
        // The wire went or came, and the event doesn't tell which: asking again is answered by a living kernel only.
        ["comm_live_update", connect],
      ];
      for (const [event, listener] of listeners) model.on(event, listener);
      connect();
      return () => {
        for (const [event, listener] of listeners) model.off(event, listener);
        frame.dispose();
      };
    },
  };
}
