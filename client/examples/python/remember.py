"""Predicts, lets the server remember what it scored, and sends the labels later: remember.py [HOST:PORT].

The server runs deploy/models/marketplace.textproto.
"""
import sys
import time
import grpc
from polyscene.v1 import features_pb2, prediction_pb2, prediction_pb2_grpc, training_pb2, training_pb2_grpc

channel = grpc.insecure_channel(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051")
producer = f"example-{time.time_ns()}"  # Its request ids are given once.
request = prediction_pb2.PredictRequest(
    scene="recommendation", request_id=f"{producer}/1", remember=True,
    context=[features_pb2.Column(name="user_id", ints=[17])],
    candidates=[features_pb2.Column(name="item_id", ints=[500013, 500221, 500007]),
                features_pb2.Column(name="price", floats=[19.9, 4.5, 240])])
answer = prediction_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=10, wait_for_ready=True)
print("remembered" if answer.remembered else "not remembered")

best = max(range(3), key=lambda row: answer.ranking[row])
shown = training_pb2.ExposureBatch(sequence=1, exposures=[
    training_pb2.Exposure(request_id=request.request_id, rows=[best], positions=[1])])
labels = training_pb2.LabelBatch(  # Perhaps days later, without any feature.
    sequence=2, request_ids=[request.request_id], request=[0], row=[best],
    labels=[features_pb2.Labels(task="click", values=[1])])
messages = [training_pb2.StreamEventsRequest(open=training_pb2.OpenStream(producer_id=producer, wait_until_learned=True)),
            training_pb2.StreamEventsRequest(exposures=shown), training_pb2.StreamEventsRequest(labels=labels)]
learned = 0
for response in training_pb2_grpc.TrainingServiceStub(channel).StreamEvents(iter(messages), timeout=60):
    for row in response.rejected:
        print(f"refused row {row.row} of batch {row.sequence}: {row.message}")
    learned = response.watermark.learned
print(f"learned up to batch {learned}")
