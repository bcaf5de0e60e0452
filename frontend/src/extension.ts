/** The JupyterLab plugin: registers our renderer for notebooks and consoles (with their kernel) and for everywhere else (saved data only). */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import type { ISessionContext, IWidgetTracker } from "@jupyterlab/apputils";
import { IConsoleTracker } from "@jupyterlab/console";
import { INotebookTracker } from "@jupyterlab/notebook";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import type { Widget } from "@lumino/widgets";
import { LabRenderer } from "./lab_renderer";
import { MIME } from "./messages";

/** Before the widget manager's -10: where both could draw an output, ours does. */
const RANK = -20;

function factory(context?: ISessionContext): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME],
    createRenderer: () => new LabRenderer(context),
  };
}

/** Calls for every panel that there is and that will be. */
function forPanels<W extends Widget>(tracker: IWidgetTracker<W> | null, join: (panel: W) => void): void {
  tracker?.forEach(join);
  tracker?.widgetAdded.connect((_tracker, panel) => join(panel));
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: "modelcypher-nb:renderer",
  description: "Draws model cards, training runs and the registry of modelcypher_nb.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker, IConsoleTracker],
  activate(_app: JupyterFrontEnd, registry: IRenderMimeRegistry, notebooks: INotebookTracker | null, consoles: IConsoleTracker | null) {
    registry.addFactory(factory(), RANK);
    forPanels(notebooks, (panel) => panel.content.rendermime.addFactory(factory(panel.sessionContext), RANK));
    forPanels(consoles, (panel) => panel.console.rendermime.addFactory(factory(panel.sessionContext), RANK));
  },
};

export default plugin;
