/** A view's own comm to the kernel of a notebook panel: opened late, lost without noise, and quick while a cell runs. */

import type { ISessionContext } from "@jupyterlab/apputils";
import { type Kernel, KernelMessage } from "@jupyterlab/services";
import type { Frame } from "./frame";
import { COMM_TARGET, type CommOpen, type KernelMessage as Message, type Payload } from "./messages";
import { clientId } from "./session";

/** How long a kernel may take to tell that it has subshells before we take the way around its main thread. */
const PATIENCE = 400;
/** Lab queues what we send until the kernel's information came, or 3 s passed: the way around needs longer than that. */
const SUBSHELL_WITHIN = 10_000;

const subshells = new WeakMap<Kernel.IKernelConnection, Promise<string | null>>();

export class LabLink {
  private generation = 0;
  private comm: Kernel.IComm | undefined;

  constructor(
    private readonly context: ISessionContext,
    private readonly frame: Frame,
    private readonly payload: Payload,
  ) {
    context.statusChanged.connect(this.onStatus, this);
    context.kernelChanged.connect(this.restart, this);
    context.connectionStatusChanged.connect(this.onConnection, this);
    this.restart();
  }

  dispose(): void {
    this.generation += 1;
    this.context.statusChanged.disconnect(this.onStatus, this);
    this.context.kernelChanged.disconnect(this.restart, this);
    this.context.connectionStatusChanged.disconnect(this.onConnection, this);
    this.drop(true);
  }

  private onStatus(): void {
    const status = this.context.session?.kernel?.status;
    if (status === "restarting" || status === "autorestarting" || status === "terminating" || status === "dead") {
      // An attempt that is under way belongs to the kernel that goes, and so does the subshell.
      this.generation += 1;
      const kernel = this.context.session?.kernel;
      if (kernel) subshells.delete(kernel);
      this.drop(false);
    }
  }

  private onConnection(): void {
    if (this.context.session?.kernel?.connectionStatus === "connected" && !this.frame.live) this.restart();
  }

  /** `kernelChanged` fires from nothing to a kernel at page load: only the newest attempt may touch the view. */
  private restart(): void {
    this.generation += 1;
    const generation = this.generation;
    this.drop(false);
    this.attempt(generation).catch((error: unknown) => {
      // Without a live view the saved one stands, which says that nothing was checked.
      if (generation === this.generation) console.debug("modelcypher_nb: no live view", error);
    });
  }

  private async attempt(generation: number): Promise<void> {
    await this.context.ready;
    const kernel = this.context.session?.kernel;
    if (!kernel || generation !== this.generation) return;
    const comm = kernel.createComm(COMM_TARGET);
    this.comm = comm;
    const subshell = await ownSubshell(kernel, comm);
    if (generation !== this.generation || comm.isDisposed) return;
    const wire = subshell ? overSubshell(kernel, comm, subshell) : overComm(comm);
    const receive = this.frame.attach({
      send: (message) => wire.send(message),
      interrupt: () => kernel.interrupt(),
    });
    comm.onMsg = (message) => receive(message.content.data as unknown as Message, message.buffers ?? []);
    comm.onClose = () => {
      if (generation === this.generation) this.frame.detach();
    };
    const { view, id, nonce } = this.payload;
    const open: CommOpen = { view, id, nonce, clientId: clientId() };
    wire.open(open);
  }

  private drop(tell: boolean): void {
    const comm = this.comm;
    this.comm = undefined;
    this.frame.detach();
    if (!comm || comm.isDisposed) return;
    comm.onMsg = () => {};
    comm.onClose = () => {};
    const status = this.context.session?.kernel?.status;
    if (tell && status && status !== "dead" && this.context.session?.kernel?.connectionStatus === "connected") comm.close();
    else comm.dispose();
  }
}

interface Wire {
  open(data: CommOpen): void;
  send(data: object): void;
}

type Json = Parameters<Kernel.IComm["send"]>[0];
type JsonObject = KernelMessage.ICommMsgMsg["content"]["data"];

function overComm(comm: Kernel.IComm): Wire {
  return {
    open: (data) => void comm.open(data as unknown as Json),
    send: (data) => {
      if (!comm.isDisposed) comm.send(data as Json);
    },
  };
}

/** Messages with our own subshell's id: Lab itself doesn't know of it before the busy main thread answered. */
function overSubshell(kernel: Kernel.IKernelConnection, comm: Kernel.IComm, subshellId: string): Wire {
  const common = { channel: "shell", session: kernel.clientId, username: kernel.username, subshellId } as const;
  const shell = (message: KernelMessage.IShellMessage): void => void kernel.sendShellMessage(message, false, true);
  return {
    open: (data) =>
      shell(
        KernelMessage.createMessage<KernelMessage.ICommOpenMsg<"shell">>({
          ...common,
          msgType: "comm_open",
          content: { comm_id: comm.commId, target_name: COMM_TARGET, data: data as unknown as JsonObject },
        }),
      ),
    send: (data) => {
      if (comm.isDisposed || kernel.isDisposed || kernel.status === "dead") return;
      shell(
        KernelMessage.createMessage<KernelMessage.ICommMsgMsg<"shell">>({
          ...common,
          msgType: "comm_msg",
          content: { comm_id: comm.commId, data: data as unknown as JsonObject },
        }),
      );
    },
  };
}

/**
 * The subshell that the comm needs and Lab doesn't give: null where Lab has one for it, or where the kernel has none at all.
 *
 * After a reload Lab asks a busy kernel's main thread what it can do and waits for the cell; the control channel answers at once.
 */
async function ownSubshell(kernel: Kernel.IKernelConnection, comm: Kernel.IComm): Promise<string | null> {
  const known = await within(PATIENCE, kernel.info.then(() => true));
  if (known && !kernel.supportsSubshells) return null;
  // Lab's own handler has this promise, its interface doesn't name it; without subshells it never settles.
  const { subshellStarted } = comm as { subshellStarted?: Promise<void> };
  if (known && subshellStarted && (await within(PATIENCE, subshellStarted.then(() => true)))) return null;
  let created = subshells.get(kernel);
  if (!created) {
    created = requestSubshell(kernel);
    subshells.set(kernel, created);
  }
  const subshell = await within(SUBSHELL_WITHIN, created);
  // What wasn't given in time is asked for anew by the next view.
  if (!subshell) subshells.delete(kernel);
  return subshell ?? null;
}

async function requestSubshell(kernel: Kernel.IKernelConnection): Promise<string | null> {
  const request = KernelMessage.createMessage<KernelMessage.ICreateSubshellRequestMsg>({
    msgType: "create_subshell_request",
    channel: "control",
    session: kernel.clientId,
    username: kernel.username,
    content: {},
  });
  const reply = (await kernel.sendControlMessage(request, true).done) as KernelMessage.ICreateSubshellReplyMsg | undefined;
  const content = reply?.content as { status?: string; subshell_id?: string } | undefined;
  return content?.status === "ok" ? (content.subshell_id ?? null) : null;
}

function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), milliseconds))]);
}
