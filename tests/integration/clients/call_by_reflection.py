"""Calls a method of a server of which nothing is known but the address, as grpcurl does.

  call_by_reflection.py HOST:PORT                           prints the server's services, a line each
  call_by_reflection.py HOST:PORT SERVICE METHOD REQUEST    sends the request (JSON), prints the answer (JSON)
"""
import sys

import grpc
import reflection_pb2
import reflection_pb2_grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory


class Server:
    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.reflection = reflection_pb2_grpc.ServerReflectionStub(self.channel)

    def ask(self, **request):
        questions = iter([reflection_pb2.ServerReflectionRequest(**request)])
        answer = next(self.reflection.ServerReflectionInfo(questions, timeout=10))
        if answer.HasField("error_response"):
            sys.exit(answer.error_response.error_message)
        return answer

    def services(self):
        return [service.name for service in self.ask(list_services="*").list_services_response.service]

    def method(self, service, method):
        """The method's descriptor, from the files that the server sends."""
        files = {}
        wanted = [dict(file_containing_symbol=service)]
        while wanted:
            for data in self.ask(**wanted.pop()).file_descriptor_response.file_descriptor_proto:
                file = descriptor_pb2.FileDescriptorProto.FromString(data)
                files[file.name] = file
            wanted = [dict(file_by_filename=name) for file in files.values() for name in file.dependency if name not in files]
        pool = descriptor_pool.DescriptorPool()
        added = set()

        def add(file):
            if file.name not in added:
                added.add(file.name)
                for name in file.dependency:
                    add(files[name])
                pool.Add(file)

        for file in files.values():
            add(file)
        return pool.FindServiceByName(service).FindMethodByName(method)

    def call(self, service, method, request):
        described = self.method(service, method)
        factory = message_factory.MessageFactory()
        message = json_format.Parse(request, factory.GetPrototype(described.input_type)())
        answer = factory.GetPrototype(described.output_type)
        call = self.channel.unary_unary(f"/{service}/{method}", lambda request: request.SerializeToString(), answer.FromString)
        return json_format.MessageToJson(call(message, timeout=10), including_default_value_fields=True)


server = Server(sys.argv[1])
print("\n".join(server.services()) if len(sys.argv) == 2 else server.call(*sys.argv[2:]))
