/** The JupyterLab plugin: registers our renderer for notebooks (with their kernel) and for everywhere else (saved data only). */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { LabRenderer } from "./lab_renderer";
import { MIME } from "./messages";

/** Before the widget manager's -10: where both could draw an output, ours does. */
const RANK = -20;

function factory(panel?: NotebookPanel): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME],
    createRenderer: () => new LabRenderer(panel?.sessionContext),
  };
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: "modelcypher-nb:renderer",
  description: "Draws model cards, training runs and the registry of modelcypher_nb.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker],
  activate(_app: JupyterFrontEnd, registry: IRenderMimeRegistry, tracker: INotebookTracker | null) {
    registry.addFactory(factory(), RANK);
    const join = (panel: NotebookPanel): void => panel.content.rendermime.addFactory(factory(panel), RANK);
    tracker?.forEach(join);
    tracker?.widgetAdded.connect((_tracker, panel) => join(panel));
  },
};

export default plugin;
