"""Ranks three items for a user: predict.py [HOST:PORT]. The server runs deploy/models/marketplace.textproto."""
import sys
import grpc
from polyscene.v1 import features_pb2, prediction_pb2, prediction_pb2_grpc

channel = grpc.insecure_channel(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051")
items = [500013, 500221, 500007]
request = prediction_pb2.PredictRequest(
    scene="recommendation",
    context=[features_pb2.Column(name="user_id", ints=[17])],  # One row; the candidates have a row each.
    candidates=[features_pb2.Column(name="item_id", ints=items), features_pb2.Column(name="price", floats=[19.9, 4.5, 240])])
answer = prediction_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=10, wait_for_ready=True)
print(f"version {answer.model.version}, learned {answer.model.rows_learned} rows")
for row in sorted(range(len(items)), key=lambda row: -answer.ranking[row]):
    print(f"item {items[row]} ranking {answer.ranking[row]:.6f}")
