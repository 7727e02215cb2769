// Ranks three items for a user: rank [HOST:PORT]
// The server runs deploy/models/marketplace.textproto.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sort"
	"time"

	"google.golang.org/grpc"
	polyscene "polyscene/v1"
)

func main() {
	server := "127.0.0.1:50051"
	if len(os.Args) > 1 {
		server = os.Args[1]
	}
	channel, err := grpc.Dial(server, grpc.WithInsecure())
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Close()

	// A column per feature: the context has one row, the candidates have a row each.
	items := []int64{500013, 500221, 500007}
	request := &polyscene.PredictRequest{
		Scene:   "recommendation",
		Context: []*polyscene.Column{{Name: "user_id", Ints: []int64{17}}},
		Candidates: []*polyscene.Column{
			{Name: "item_id", Ints: items},
			{Name: "price", Floats: []float32{19.9, 4.5, 240}},
		},
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answer, err := polyscene.NewPredictionServiceClient(channel).Predict(ctx, request, grpc.WaitForReady(true))
	if err != nil {
		log.Fatal(err)
	}

	fmt.Printf("version %d, learned %d rows\n", answer.Model.Version, answer.Model.RowsLearned)
	rows := []int{0, 1, 2}
	sort.Slice(rows, func(a, b int) bool { return answer.Ranking[rows[a]] > answer.Ranking[rows[b]] })
	for _, row := range rows {
		fmt.Printf("item %d ranking %.6f\n", items[row], answer.Ranking[row])
	}
}
