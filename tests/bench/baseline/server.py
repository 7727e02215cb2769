"""The reference model behind grpcio and PyTorch, as it is usually written: what Polyscene is measured against.

    PYTHONPATH=GENERATED /usr/bin/python3 server.py WEIGHTS.npz 127.0.0.1:PORT

GENERATED: protoc's and grpc_python_plugin's output for features.proto and prediction.proto. WEIGHTS.npz: what
`polyscene-train --checkpoint DIR --export WEIGHTS.npz` wrote. PyTorch runs on one thread; calls on WORKERS.
"""
import sys
from concurrent import futures

import grpc
import numpy as np
import torch
from torch import nn

from polyscene.v1 import prediction_pb2, prediction_pb2_grpc

WORKERS = 4
MISSING_ID = -(2**63)
TASKS = ("click", "cart", "purchase")
SCENES = ("recommendation", "search", "behaviour")
CONTEXT_IDS = [f"context_id_{i}" for i in range(8)]
CANDIDATE_IDS = [f"candidate_id_{i}" for i in range(12)]
CONTEXT_NUMBERS = [f"context_number_{i}" for i in range(4)]
CANDIDATE_NUMBERS = [f"candidate_number_{i}" for i in range(6)]


class Vocabulary:
    """From ids to rows of an embedding; the last row is for ids that were never learned."""

    def __init__(self, ids):
        self.order = np.argsort(ids)
        self.sorted = ids[self.order]
        self.unknown = len(ids)

    def rows(self, ids):
        at = np.minimum(np.searchsorted(self.sorted, ids), len(self.sorted) - 1)
        return torch.from_numpy(np.where(self.sorted[at] == ids, self.order[at], self.unknown))


def linear(weight, bias):
    """nn.Linear of a layer that computes x @ weight + bias."""
    layer = nn.Linear(weight.shape[0], weight.shape[1])
    layer.weight.data = torch.from_numpy(np.ascontiguousarray(weight.T))
    layer.bias.data = torch.from_numpy(np.ascontiguousarray(bias.reshape(-1)))
    return layer


class Mmoe(nn.Module):
    def __init__(self, npz):
        super().__init__()
        dense = {name[len("dense/"):]: npz[name] for name in npz.files if name.startswith("dense/")}
        count, width, _ = dense["expert.0.weight"].shape
        first = np.split(dense["expert.first.weight"], count, axis=1)
        first_bias = np.split(dense["expert.first.bias"], count)
        self.experts = nn.ModuleList(
            nn.Sequential(linear(first[e], first_bias[e]), nn.ReLU(),
                          linear(dense["expert.0.weight"][e], dense["expert.0.bias"][e]), nn.ReLU())
            for e in range(count))
        names = [f"{scene}_{task}" for scene in SCENES for task in TASKS]
        gates = np.split(dense["gate.weight"], len(names), axis=1)
        gate_biases = np.split(dense["gate.bias"], len(names))
        self.gates = nn.ModuleDict({n: linear(gates[i], gate_biases[i]) for i, n in enumerate(names)})
        self.towers = nn.ModuleDict({
            n: nn.Sequential(linear(dense["tower.0.weight"][i], dense["tower.0.bias"][i]), nn.ReLU(),
                             linear(dense[f"head.{n}.weight"], dense[f"head.{n}.bias"]))
            for i, n in enumerate(names)})
        self.vocabularies = {}
        self.embeddings = nn.ModuleDict()
        for name in CONTEXT_IDS + CANDIDATE_IDS:
            rows = npz[f"table/{name}/rows"]
            self.vocabularies[name] = Vocabulary(npz[f"table/{name}/ids"])
            self.embeddings[name] = nn.Embedding.from_pretrained(
                torch.from_numpy(np.vstack([rows, np.zeros((1, rows.shape[1]), np.float32)])))
        self.scaling = {n: npz[f"statistics/{n}"][1:3] for n in CONTEXT_NUMBERS + CANDIDATE_NUMBERS}

    def embed(self, column):
        ids = np.array(column.ints, dtype=np.int64)
        if column.missing_rows:
            ids[list(column.missing_rows)] = MISSING_ID
        return self.embeddings[column.name](self.vocabularies[column.name].rows(ids))

    def scale(self, column):
        mean, deviation = self.scaling[column.name]
        values = (np.array(column.floats, dtype=np.float32) - mean) / (deviation if deviation > 0 else 1)
        return torch.from_numpy(np.clip(values, -8, 8).astype(np.float32)).unsqueeze(1)

    def inputs(self, context, candidates):
        rows = max(len(next(iter(candidates.values())).ints), len(next(iter(candidates.values())).floats))
        parts = [self.embed(context[n]).expand(rows, -1) for n in CONTEXT_IDS]
        parts += [self.embed(candidates[n]) for n in CANDIDATE_IDS]
        parts += [self.scale(context[n]).expand(rows, -1) for n in CONTEXT_NUMBERS]
        parts += [self.scale(candidates[n]) for n in CANDIDATE_NUMBERS]
        return torch.cat(parts, dim=1)

    def forward(self, inputs, tasks):
        experts = torch.stack([expert(inputs) for expert in self.experts], dim=1)
        scores = {}
        for task in tasks:
            gate = torch.softmax(self.gates[task](inputs), dim=1)
            mixed = torch.bmm(gate.unsqueeze(1), experts).squeeze(1)
            scores[task] = torch.sigmoid(self.towers[task](mixed)).squeeze(1)
        return scores


class PredictionService(prediction_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model):
        self.model = model

    def Predict(self, request, context):
        if request.scene not in SCENES:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"unknown scene '{request.scene}'")
        tasks = list(request.tasks) or [f"{request.scene}_{task}" for task in TASKS]
        with torch.inference_mode():
            inputs = self.model.inputs({c.name: c for c in request.context}, {c.name: c for c in request.candidates})
            scores = self.model(inputs, tasks)
        response = prediction_pb2.PredictResponse(request_id=request.request_id)
        response.model.version = 1
        for task in tasks:
            response.scores.add(task=task, values=scores[task].numpy(), outputs=1)
        ranked_by = f"{request.scene}_click"
        if ranked_by in scores:
            response.ranking.extend(scores[ranked_by].numpy())
        return response


def main():
    weights, address = sys.argv[1:]
    torch.set_num_threads(1)
    model = Mmoe(np.load(weights)).eval()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=WORKERS))
    prediction_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(model), server)
    if server.add_insecure_port(address) == 0:
        sys.exit(f"{address} cannot be listened on")
    server.start()
    print("serving version 1", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
