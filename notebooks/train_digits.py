"""A training script as a person writes it; the tour starts it in a process of its own and kills that process."""

import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

import modelcypher_nb as mc

torch.manual_seed(0)
torch.set_num_threads(1)

digits = load_digits()
images = torch.tensor(digits.data / 16, dtype=torch.float32)  # (sample, pixel)
labels = torch.tensor(digits.target)
loader = DataLoader(TensorDataset(images, labels), batch_size=32, shuffle=True)

model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loss_of = torch.nn.CrossEntropyLoss()

run = mc.TrainingRun(name="night-shift", model=model, optimizer=optimizer, checkpoint_every=100)
for inputs, targets in run.steps(loader, epochs=60):
    logits = model(inputs)
    loss = loss_of(logits, targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    run.log(loss=loss, accuracy=(logits.argmax(1) == targets).float().mean())
