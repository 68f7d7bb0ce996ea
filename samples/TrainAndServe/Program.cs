using TrainAndServe;

await Service.Create(args).RunAsync();
