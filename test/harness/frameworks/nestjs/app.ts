/** NestJS: a controller returns the stream that the run returned, or writes to the response itself. */
import 'reflect-metadata';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Controller, Get, Module, Query, Res, StreamableFile } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { inRun } from '../support/play.js';
import { playServer } from '../support/server.js';
import { readableOf } from '../support/weather.js';

const TURN = { kind: 'chat_turn' };

await playServer(async (weather) => {
  @Controller()
  class WeatherController {
    @Get('generate')
    generate(@Query('model') model: string) {
      return inRun(TURN, () => weather.generate(model));
    }

    @Get('loop')
    loop(@Query('model') model: string) {
      return inRun(TURN, () => weather.loop(model));
    }

    @Get('stream')
    stream(@Query('model') model: string) {
      return inRun(TURN, () => weather.stream(model));
    }

    @Get('file')
    async file(@Query('model') model: string) {
      return new StreamableFile(await inRun(TURN, async () => readableOf(await weather.stream(model))));
    }

    @Get('pipeline')
    pipeline(@Query('model') model: string, @Res() response: ServerResponse) {
      return inRun(TURN, async () => pipeline(readableOf(await weather.stream(model)), response)).catch(() => {});
    }
  }

  @Module({ controllers: [WeatherController] })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  return {
    url: await app.getUrl(),
    ways: {
      stream: 'return a ReadableStream',
      file: 'a StreamableFile around the stream that the run returned',
      pipeline: 'pipeline() to @Res()',
    },
  };
});
