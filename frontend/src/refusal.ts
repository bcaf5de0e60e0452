/** A path outside the roots: what is wrong, what to do, and the one click that does it. */

import { anywidget } from "./anywidget";
import { ActionButtons } from "./controls";
import { facts, h, replace } from "./dom";
import type { RefusalData } from "./messages";
import { refusalData } from "./shapes";
import type { Drawn, Stage, View } from "./stage";

export const view: View<RefusalData> = {
  name: "refusal",
  title: "Path refused",
  check: refusalData,
  draw(body, stage) {
    const text = h("div", { class: "mc-refusal" });
    const buttons = new ActionButtons([{ action: "allow", label: "Allow for this session", kind: "primary" }]);
    body.append(text, buttons.element);
    return draw(text, buttons, stage);
  },
};

function draw(text: HTMLElement, buttons: ActionButtons, first: Stage<RefusalData>): Drawn<RefusalData> {
  const update = (stage: Stage<RefusalData>): void => {
    const { problem, remedy, path, folder, roots } = stage.data;
    replace(
      text,
      h("p", { class: "mc-problem" }, problem),
      h("p", { class: "mc-remedy" }, remedy),
      // Paths come with the live snapshot only: a saved notebook offers none to click on.
      stage.live &&
        facts([
          ["File to allow", stage.can("allow") && path && h("code", {}, path)],
          ["Folder to allow", stage.can("allow") && folder && h("code", {}, folder)],
          ["Allowed now", roots && roots.length > 0 && h("span", {}, ...roots.map((root) => h("div", {}, h("code", {}, root))))],
        ]),
    );
    buttons.update(stage);
  };
  update(first);
  return { update, dispose() {} };
}

export default anywidget(view);
